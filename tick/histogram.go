package tick

import (
	"iter"
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Buckets are log-linear: exact up to 2<<sub ns, then 1<<sub buckets to each
// power of two. The last one ends at 1<<rangeBits ns, 68.7 s.
const (
	rangeBits   = 36
	rangeMax    = int64(1)<<rangeBits - 1
	fineSub     = 6 // a bucket is 1.6 % wide, its middle 0.8 % off at most
	fineBuckets = (rangeBits - fineSub + 1) << fineSub

	coarseSub     = 3 // 12.5 % wide, 6.3 % off
	coarseBuckets = (rangeBits - coarseSub + 1) << coarseSub
)

// bucket returns the bucket of v, which must not be negative.
func bucket(v int64, sub int) int {
	v = min(v, rangeMax)
	if v < 2<<sub {
		return int(v)
	}
	exp := bits.Len64(uint64(v)) - sub - 1
	return exp<<sub + int(v>>exp)
}

// bounds returns the smallest value of a bucket and its width.
func bounds(i, sub int) (low, width int64) {
	if i < 2<<sub {
		return int64(i), 1
	}
	exp := i>>sub - 1
	return int64(i-exp<<sub) << exp, 1 << exp
}

// Histogram counts durations from 0 to 60 s with two significant digits. Its
// size is fixed (16 KB) and recording allocates nothing. Any goroutine may
// record and read at any time; a reader sees some recent state. The zero
// value is empty and ready; a Histogram must not be copied.
type Histogram struct {
	sum    atomic.Int64
	max    atomic.Int64
	counts [fineBuckets]atomic.Uint64
}

// Record adds one duration in nanoseconds. Negative ones count as 0; beyond the
// range they fall into the last bucket, while Sum and Max stay exact.
func (h *Histogram) Record(ns int64) { h.record(ns, 1) }

func (h *Histogram) record(ns, n int64) {
	ns = max(ns, 0)
	h.counts[bucket(ns, fineSub)].Add(uint64(n))
	h.sum.Add(ns * n)
	raise(&h.max, ns)
}

func raise(m *atomic.Int64, v int64) {
	for old := m.Load(); v > old; old = m.Load() {
		if m.CompareAndSwap(old, v) {
			return
		}
	}
}

// merge adds everything recorded in o to h.
func (h *Histogram) merge(o *Histogram) {
	for i := range o.counts {
		if n := o.counts[i].Load(); n > 0 {
			h.counts[i].Add(n)
		}
	}
	h.sum.Add(o.sum.Load())
	raise(&h.max, o.max.Load())
}

// Count returns the number of recorded durations.
func (h *Histogram) Count() uint64 {
	n := uint64(0)
	for i := range h.counts {
		n += h.counts[i].Load()
	}
	return n
}

// Sum returns the total of all recorded durations, exactly.
func (h *Histogram) Sum() time.Duration { return time.Duration(h.sum.Load()) }

// Max returns the longest recorded duration, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max.Load()) }

// Quantile returns the duration that a share q of those recorded do not exceed,
// to two significant digits: 0.5 is the median, 1 the maximum. It returns 0 when
// nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	return quantile(fineBuckets, fineSub, q, h.Max(), func(i int) uint64 { return h.counts[i].Load() })
}

// All yields every bucket that is not empty, shortest first: the longest
// duration that falls into it and its count.
func (h *Histogram) All() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		for i := range h.counts {
			n := h.counts[i].Load()
			if n == 0 {
				continue
			}
			low, width := bounds(i, fineSub)
			if !yield(time.Duration(low+width-1), n) {
				return
			}
		}
	}
}

func quantile(buckets, sub int, q float64, most time.Duration, count func(int) uint64) time.Duration {
	total := uint64(0)
	for i := range buckets {
		total += count(i)
	}
	if total == 0 {
		return 0
	}
	if q >= 1 {
		return most
	}
	rank := max(uint64(math.Ceil(max(q, 0)*float64(total))), 1)
	seen := uint64(0)
	for i := range buckets {
		seen += count(i)
		if seen >= rank {
			low, width := bounds(i, sub)
			return min(time.Duration(low+width/2), most)
		}
	}
	return most
}

// sketch is the small sibling of Histogram kept by each entry: 1.1 KB, one
// significant digit. A bucket holds 4e9 ticks, 200 days at 240 Hz.
type sketch struct {
	sum    atomic.Int64
	max    atomic.Int64
	counts [coarseBuckets]atomic.Uint32
}

func (s *sketch) record(ns, n int64) {
	ns = max(ns, 0)
	s.counts[bucket(ns, coarseSub)].Add(uint32(n))
	s.sum.Add(ns * n)
	raise(&s.max, ns)
}

func (s *sketch) merge(o *sketch) {
	for i := range o.counts {
		if n := o.counts[i].Load(); n > 0 {
			s.counts[i].Add(n)
		}
	}
	s.sum.Add(o.sum.Load())
	raise(&s.max, o.max.Load())
}

func (s *sketch) summary() Summary {
	most := time.Duration(s.max.Load())
	count := func(i int) uint64 { return uint64(s.counts[i].Load()) }
	at := func(q float64) time.Duration { return quantile(coarseBuckets, coarseSub, q, most, count) }
	sum := Summary{Sum: time.Duration(s.sum.Load()), Max: most, P50: at(0.5), P99: at(0.99), P999: at(0.999)}
	for i := range s.counts {
		sum.Count += count(i)
	}
	return sum
}
