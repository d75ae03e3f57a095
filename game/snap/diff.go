package snap

import (
	"math"
	"math/bits"
	"reflect"
	"unsafe"
)

// diff quantises one column of a chunk into next, compares it with old, which
// may be the same, and returns which rows differ.
func (c *Column) diff(base unsafe.Pointer, stride uintptr, live uint64, old, next *[ChunkRows]int32) uint64 {
	if live == 0 {
		return 0
	}
	at := unsafe.Add(base, c.Offset)
	switch c.Type {
	case reflect.Bool, reflect.Uint8:
		return diffInts[uint8](at, stride, live, old, next)
	case reflect.Int8:
		return diffInts[int8](at, stride, live, old, next)
	case reflect.Int16:
		return diffInts[int16](at, stride, live, old, next)
	case reflect.Uint16:
		return diffInts[uint16](at, stride, live, old, next)
	case reflect.Int32, reflect.Uint32:
		return diffInts[int32](at, stride, live, old, next)
	case reflect.Float32:
		return diffFloats[float32](at, stride, live, old, next, c.perUnit)
	case reflect.Float64:
		return diffFloats[float64](at, stride, live, old, next, c.perUnit)
	case reflect.Uint:
		return diffUint(at, stride, live, old, next)
	default: // reflect.Int; Parse lets nothing else through
		return diffInt(at, stride, live, old, next)
	}
}

// differs is 1 if two values differ, without a branch.
func differs(a, b int32) uint64 {
	d := uint32(a ^ b)
	return uint64((d | -d) >> 31)
}

func diffInts[T int8 | int16 | int32 | uint8 | uint16](
	at unsafe.Pointer, stride uintptr, live uint64, old, next *[ChunkRows]int32,
) (changed uint64) {
	if live == ^uint64(0) {
		for i := 0; i < ChunkRows; i += 4 {
			o, n := (*[4]int32)(old[i:]), (*[4]int32)(next[i:])
			v0 := int32(*(*T)(at))
			v1 := int32(*(*T)(unsafe.Add(at, stride)))
			v2 := int32(*(*T)(unsafe.Add(at, 2*stride)))
			v3 := int32(*(*T)(unsafe.Add(at, 3*stride)))
			changed |= (differs(v0, o[0]) | differs(v1, o[1])<<1 | differs(v2, o[2])<<2 | differs(v3, o[3])<<3) << (i & 63)
			n[0], n[1], n[2], n[3] = v0, v1, v2, v3
			if i < ChunkRows-4 {
				at = unsafe.Add(at, 4*stride)
			}
		}
		return changed
	}
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := int32(*(*T)(unsafe.Add(at, uintptr(i)*stride)))
		changed |= differs(v, old[i]) << i
		next[i] = v
	}
	return changed
}

func diffFloats[T float32 | float64](
	at unsafe.Pointer, stride uintptr, live uint64, old, next *[ChunkRows]int32, perUnit float64,
) (changed uint64) {
	if live == ^uint64(0) {
		var off uintptr
		for i := range ChunkRows {
			v := quantise(float64(*(*T)(unsafe.Add(at, off))), perUnit)
			off += stride
			changed = changed>>1 | differs(v, old[i])<<63
			next[i] = v
		}
		return changed
	}
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := quantise(float64(*(*T)(unsafe.Add(at, uintptr(i)*stride))), perUnit)
		changed |= differs(v, old[i]) << i
		next[i] = v
	}
	return changed
}

func diffInt(at unsafe.Pointer, stride uintptr, live uint64, old, next *[ChunkRows]int32) (changed uint64) {
	if live == ^uint64(0) {
		var off uintptr
		for i := range ChunkRows {
			v := int32(min(max(*(*int)(unsafe.Add(at, off)), math.MinInt32), math.MaxInt32))
			off += stride
			changed = changed>>1 | differs(v, old[i])<<63
			next[i] = v
		}
		return changed
	}
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := int32(min(max(*(*int)(unsafe.Add(at, uintptr(i)*stride)), math.MinInt32), math.MaxInt32))
		changed |= differs(v, old[i]) << i
		next[i] = v
	}
	return changed
}

func diffUint(at unsafe.Pointer, stride uintptr, live uint64, old, next *[ChunkRows]int32) (changed uint64) {
	if live == ^uint64(0) {
		var off uintptr
		for i := range ChunkRows {
			v := int32(uint32(min(*(*uint)(unsafe.Add(at, off)), math.MaxUint32)))
			off += stride
			changed = changed>>1 | differs(v, old[i])<<63
			next[i] = v
		}
		return changed
	}
	for ; live != 0; live &= live - 1 {
		i := bits.TrailingZeros64(live) & (ChunkRows - 1)
		v := int32(uint32(min(*(*uint)(unsafe.Add(at, uintptr(i)*stride)), math.MaxUint32)))
		changed |= differs(v, old[i]) << i
		next[i] = v
	}
	return changed
}

// rounder is added to and taken from a number to round it: of the result only
// whole numbers fit beside it. Half-way cases go to the even one.
const rounder = 3 << 51

// quantise is the nearest multiple, within 32 bits; not-a-number is 0.
func quantise(v, perUnit float64) int32 {
	q := float64(v * perUnit) // rounded here: it must not be fused with the sum
	if q > math.MinInt32-0.5 && q < math.MaxInt32+0.5 {
		return int32(math.Float64bits(q + rounder)) // the low bits of the sum are the number
	}
	return saturate(q)
}

//go:noinline
func saturate(q float64) int32 {
	switch {
	case q > 0:
		return math.MaxInt32
	case q < 0:
		return math.MinInt32
	}
	return 0
}
