package snap

import (
	"math"
	"math/bits"
	"reflect"
	"unsafe"
)

// table is one set as it was at the last Diff: a column of 32-bit integers per
// field, and stamps per row. Nothing in it holds a pointer for the collector to
// follow. Stamps per group of fields are to join changed.
type table struct {
	rows    *Rows
	layout  Layout
	columns [][]int32
	gen     []uint32 // birth of the row that the columns hold
	changed []uint32 // tick at which the row was born or last changed
	encoded [encodings]record
}

// record says where the element of a row is in World.records.
type record struct {
	tick      []uint32 // valid in this tick
	from, end []uint32
}

func newTable(s Source) table {
	return table{rows: s.Rows, layout: s.Layout, columns: make([][]int32, len(s.Layout.Columns))}
}

// grow makes room for as many slots as the set has.
func (t *table) grow() {
	n := len(t.rows.ID) - len(t.gen)
	if n == 0 {
		return
	}
	for i := range t.columns {
		t.columns[i] = append(t.columns[i], make([]int32, n)...)
	}
	t.gen = append(t.gen, make([]uint32, n)...)
	t.changed = append(t.changed, make([]uint32, n)...)
	for i := range t.encoded {
		r := &t.encoded[i]
		r.tick = append(r.tick, make([]uint32, n)...)
		r.from = append(r.from, make([]uint32, n)...)
		r.end = append(r.end, make([]uint32, n)...)
	}
}

func (t *table) diff(tick uint32) {
	t.grow()
	for c, live := range t.rows.Live {
		if live != 0 {
			t.diffChunk(c, live, tick)
		}
	}
}

// diffChunk compares the rows of one chunk, column by column.
func (t *table) diffChunk(c int, live uint64, tick uint32) {
	from := c * ChunkRows
	var changed uint64
	born, gen := t.rows.Gen[from:from+ChunkRows], t.gen[from:from+ChunkRows]
	for word := live; word != 0; word &= word - 1 {
		if i := bits.TrailingZeros64(word); gen[i] != born[i] {
			gen[i] = born[i]
			changed |= 1 << i
		}
	}
	base := t.rows.Base[c]
	for i := range t.layout.Columns {
		col := (*[ChunkRows]int32)(t.columns[i][from:])
		changed |= t.layout.Columns[i].diff(base, t.layout.Stride, live, col)
	}
	for ; changed != 0; changed &= changed - 1 {
		t.changed[from+bits.TrailingZeros64(changed)] = tick
	}
}

// diff updates one column of a chunk and returns which rows have changed.
func (c *Column) diff(base unsafe.Pointer, stride uintptr, live uint64, col *[ChunkRows]int32) uint64 {
	at := unsafe.Add(base, c.Offset)
	switch c.Type {
	case reflect.Bool, reflect.Uint8:
		return diffInts[uint8](at, stride, live, col)
	case reflect.Int8:
		return diffInts[int8](at, stride, live, col)
	case reflect.Int16:
		return diffInts[int16](at, stride, live, col)
	case reflect.Uint16:
		return diffInts[uint16](at, stride, live, col)
	case reflect.Int32, reflect.Uint32:
		return diffInts[int32](at, stride, live, col)
	case reflect.Float32:
		return diffFloats[float32](at, stride, live, col, c.perUnit)
	case reflect.Float64:
		return diffFloats[float64](at, stride, live, col, c.perUnit)
	case reflect.Uint:
		return diffUint(at, stride, live, col)
	default: // reflect.Int; Parse lets nothing else through
		return diffInt(at, stride, live, col)
	}
}

func diffInts[T int8 | int16 | int32 | uint8 | uint16](
	at unsafe.Pointer, stride uintptr, live uint64, col *[ChunkRows]int32,
) (changed uint64) {
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		if v := int32(*(*T)(unsafe.Add(at, uintptr(i)*stride))); col[i] != v {
			col[i] = v
			changed |= 1 << i
		}
	}
	return changed
}

func diffFloats[T float32 | float64](
	at unsafe.Pointer, stride uintptr, live uint64, col *[ChunkRows]int32, perUnit float64,
) (changed uint64) {
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := quantise(float64(*(*T)(unsafe.Add(at, uintptr(i)*stride))), perUnit)
		if col[i] != v {
			col[i] = v
			changed |= 1 << i
		}
	}
	return changed
}

func diffInt(at unsafe.Pointer, stride uintptr, live uint64, col *[ChunkRows]int32) (changed uint64) {
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := int32(min(max(*(*int)(unsafe.Add(at, uintptr(i)*stride)), math.MinInt32), math.MaxInt32))
		if col[i] != v {
			col[i] = v
			changed |= 1 << i
		}
	}
	return changed
}

func diffUint(at unsafe.Pointer, stride uintptr, live uint64, col *[ChunkRows]int32) (changed uint64) {
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := int32(uint32(min(*(*uint)(unsafe.Add(at, uintptr(i)*stride)), math.MaxUint32)))
		if col[i] != v {
			col[i] = v
			changed |= 1 << i
		}
	}
	return changed
}

// quantise is the nearest multiple, within 32 bits; not-a-number is 0.
func quantise(v, perUnit float64) int32 {
	q := math.RoundToEven(v * perUnit)
	switch {
	case q >= math.MinInt32 && q <= math.MaxInt32:
		return int32(q)
	case q > 0:
		return math.MaxInt32
	case q < 0:
		return math.MinInt32
	}
	return 0
}
