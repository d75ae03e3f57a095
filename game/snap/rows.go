package snap

import (
	"math/bits"
	"unsafe"
)

// ChunkRows is the number of rows that share one block of memory and one word
// of the occupancy bitmap.
const ChunkRows = 64

// Rows is the occupancy of one set: which slots hold a row, whose, and where its
// memory is. The set writes it, a Table reads it. All slices are indexed by slot
// or by chunk and grow with the set.
type Rows struct {
	Live []uint64         // per chunk, one bit per slot in use
	Base []unsafe.Pointer // per chunk, its memory, nil before first use
	ID   []uint32         // per slot
	Gen  []uint32         // per slot: number of the row's birth in the match
	n    int
	free int // no chunk before this one has a free slot
}

// Len returns the number of rows.
func (r *Rows) Len() int { return r.n }

// Reserve returns the lowest free slot. There must be one below limit.
func (r *Rows) Reserve(limit int) int {
	for ; r.free < len(r.Live); r.free++ {
		if slot := r.free*ChunkRows + bits.TrailingZeros64(^r.Live[r.free]); r.Live[r.free] != ^uint64(0) {
			if slot >= limit {
				break
			}
			return slot
		}
	}
	if len(r.Live)*ChunkRows >= limit {
		panic("snap: Reserve on a full set")
	}
	r.Live = append(r.Live, 0)
	r.Base = append(r.Base, nil)
	r.ID = append(r.ID, make([]uint32, ChunkRows)...)
	r.Gen = append(r.Gen, make([]uint32, ChunkRows)...)
	return (len(r.Live) - 1) * ChunkRows
}

// Insert marks a slot as holding the row of an entity.
func (r *Rows) Insert(slot int, id, gen uint32) {
	r.Live[slot/ChunkRows] |= 1 << (slot % ChunkRows)
	r.ID[slot], r.Gen[slot] = id, gen
	r.n++
}

// Remove marks a slot as free.
func (r *Rows) Remove(slot int) {
	r.Live[slot/ChunkRows] &^= 1 << (slot % ChunkRows)
	r.free = min(r.free, slot/ChunkRows)
	r.n--
}

// Next returns the first slot at or after from that holds a row born no later
// than last, or -1.
func (r *Rows) Next(from int, last uint32) int {
	for c := from / ChunkRows; c < len(r.Live); c++ {
		word := r.Live[c]
		if c == from/ChunkRows {
			word &= ^uint64(0) << (from % ChunkRows)
		}
		for ; word != 0; word &= word - 1 {
			if slot := c*ChunkRows + bits.TrailingZeros64(word); r.Gen[slot] <= last {
				return slot
			}
		}
	}
	return -1
}
