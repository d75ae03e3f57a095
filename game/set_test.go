//lint:file-ignore U1000 these types are only looked at by reflection

package game

import (
	"testing"

	"github.com/stretchr/testify/require"
)

type ship struct {
	X, Y     float32 `snap:"q=0.1"`
	HP       uint8   `snap:""`
	cooldown int     // A field that is not replicated.
}

func TestSet(t *testing.T) {
	var s Set[ship]
	a := s.Add(ship{HP: 1})
	b := s.Add(ship{HP: 2})
	require.Equal(t, ID(1), a)
	require.Equal(t, ID(2), b)
	s.Mut(a).HP = 9
	require.EqualValues(t, 9, s.Mut(a).HP)
	require.False(t, s.Put(7, ship{}), "an ID nobody gave")
	require.True(t, s.Put(b, ship{HP: 3}))
	require.Equal(t, 2, s.Len())
	require.True(t, s.Del(a))
	require.False(t, s.Del(a))
	require.Nil(t, s.Mut(a))
	var seen []ID
	for id, row := range s.All() {
		seen = append(seen, id)
		require.EqualValues(t, 3, row.HP)
	}
	require.Equal(t, []ID{b}, seen)
}

func TestSetFull(t *testing.T) {
	var s Set[ship]
	s.bind(newIDTable(), 0, 65)
	for range 65 {
		require.NotZero(t, s.Add(ship{}))
	}
	require.Zero(t, s.Add(ship{}))
	require.False(t, s.Put(s.ids.take(idEntity), ship{}))
	require.True(t, s.Del(30))
	require.NotZero(t, s.Add(ship{}))
	require.Equal(t, 65, s.Len())
}

func TestSetAllWhileChanging(t *testing.T) {
	var s Set[ship]
	for range 200 {
		s.Add(ship{})
	}
	n := 0
	for id := range s.All() {
		n++
		require.True(t, s.Del(id))
		if n%2 == 0 {
			require.NotZero(t, s.Add(ship{}))
		}
	}
	require.Equal(t, 200, n, "each of the first, none of the added")
	require.Equal(t, 100, s.Len())
}

func TestSetDoesNotAllocate(t *testing.T) {
	var s Set[ship]
	for range 300 {
		s.Add(ship{})
	}
	sum := 0
	n := testing.AllocsPerRun(100, func() {
		for id, row := range s.All() {
			row.X++
			sum += int(id)
		}
		id := s.Add(ship{})
		s.Mut(id).HP++
		s.Del(id)
	})
	require.Zero(t, n)
	require.NotZero(t, sum)
}
