package tick

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestHeap compares the heap with a sorted list under pushes, pops and removals
// from the middle.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h heap
		var model []slot
		for i := range rapid.IntRange(0, 200).Draw(t, "operations") {
			switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
			case op < 2 || len(model) == 0:
				e := &Entry{seq: uint64(i)}
				s := slot{rapid.Int64Range(0, 20).Draw(t, "key"), e.seq, e}
				h.push(s.key, e)
				at, _ := slices.BinarySearchFunc(model, s, func(a, b slot) int {
					if a.before(b) {
						return -1
					}
					return 1
				})
				model = slices.Insert(model, at, s)
			case op == 2:
				key, e := h.pop()
				require.Equal(t, model[0], slot{key, e.seq, e})
				model = model[1:]
			default:
				k := rapid.IntRange(0, len(model)-1).Draw(t, "removed")
				h.remove(model[k].e.pos)
				model = slices.Delete(model, k, k+1)
			}
			require.Equal(t, len(model), h.len())
			for i, s := range h.slots {
				require.Equal(t, i, s.e.pos)
			}
		}
	})
}
