package tick

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestBucketsCoverTheRange(t *testing.T) {
	for _, c := range []struct{ sub, buckets int }{{fineSub, fineBuckets}, {coarseSub, coarseBuckets}} {
		next := int64(0)
		for i := range c.buckets {
			low, width := bounds(i, c.sub)
			require.Equal(t, next, low, "bucket %d begins where the one before ends", i)
			require.Equal(t, i, bucket(low, c.sub))
			require.Equal(t, i, bucket(low+width-1, c.sub))
			next = low + width
		}
		require.Equal(t, rangeMax+1, next)
		require.Equal(t, c.buckets-1, bucket(rangeMax+1, c.sub), "one past the range")
		require.Greater(t, rangeMax, int64(60*time.Second))
	}
}

func TestHistogramTwoDigits(t *testing.T) {
	var h Histogram
	var all []int64
	rnd := rand.New(rand.NewPCG(1, 2))
	sum := int64(0)
	for range 20000 {
		ns := int64(1) << rnd.IntN(36)
		ns += rnd.Int64N(ns)
		ns = min(ns, int64(60*time.Second))
		all = append(all, ns)
		sum += ns
		h.Record(ns)
	}
	slices.Sort(all)
	require.Equal(t, uint64(len(all)), h.Count())
	require.Equal(t, time.Duration(sum), h.Sum())
	require.Equal(t, time.Duration(all[len(all)-1]), h.Max())
	require.Equal(t, h.Max(), h.Quantile(1))
	for _, q := range []float64{0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999} {
		exact := all[max(int(float64(len(all))*q+0.999999), 1)-1]
		require.InEpsilon(t, exact, h.Quantile(q), 0.01, "quantile %v", q)
	}
}

func TestHistogramEdges(t *testing.T) {
	var h Histogram
	require.Zero(t, h.Quantile(0.5))
	require.Zero(t, h.Quantile(1))
	h.Record(-5)
	require.Zero(t, h.Max())
	require.Equal(t, uint64(1), h.Count())
	h.Record(int64(time.Hour))
	require.Equal(t, time.Hour, h.Max())
	require.Equal(t, time.Hour, h.Sum())
	require.Equal(t, time.Hour, h.Quantile(1))
	require.Zero(t, h.Quantile(0.5))
}

func TestHistogramMergeAndAll(t *testing.T) {
	var a, b, both Histogram
	for i := range int64(1000) {
		a.Record(i * 1000)
		b.Record(i * i)
		both.Record(i * 1000)
		both.Record(i * i)
	}
	a.merge(&b)
	require.Equal(t, both.Sum(), a.Sum())
	require.Equal(t, both.Max(), a.Max())
	type row struct {
		upTo time.Duration
		n    uint64
	}
	rows := func(h *Histogram) (all []row) {
		for d, n := range h.All() {
			all = append(all, row{d, n})
		}
		return all
	}
	require.Equal(t, rows(&both), rows(&a))
	total, last := uint64(0), time.Duration(-1)
	for _, r := range rows(&a) {
		require.Greater(t, r.upTo, last)
		total, last = total+r.n, r.upTo
	}
	require.Equal(t, a.Count(), total)
	for range a.All() {
		break // stopping early is allowed
	}
}

func TestSketch(t *testing.T) {
	var s sketch
	for i := range int64(10000) {
		s.record(i*1000, 1)
	}
	got := s.summary()
	require.Equal(t, uint64(10000), got.Count)
	require.Equal(t, time.Duration(9999*1000), got.Max)
	require.Equal(t, time.Duration(9999*10000/2*1000), got.Sum)
	require.InEpsilon(t, 5*time.Millisecond, got.P50, 0.07)
	require.InEpsilon(t, 9900*time.Microsecond, got.P99, 0.07)
	require.InEpsilon(t, 9990*time.Microsecond, got.P999, 0.07)
	require.Equal(t, Summary{}, new(sketch).summary())
}

// TestSizes holds the bytes named in the documentation.
func TestSizes(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Entry{}), uintptr(MaxEntryBytes))
	require.LessOrEqual(t, unsafe.Sizeof(Histogram{}), uintptr(16<<10))
	t.Logf("entry %d B, histogram %d B, worker %d B",
		unsafe.Sizeof(Entry{}), unsafe.Sizeof(Histogram{}), unsafe.Sizeof(worker{}))
}
