package tick

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Record is one tick of the recent past, as Entry.Recent returns it: times to
// 0.1 %, Due to the microsecond.
type Record struct {
	N        uint64
	Due      int64 // on the clock of Scheduler.Now
	Late     time.Duration
	Took     time.Duration
	Phases   [NumPhases + 1]time.Duration // their sum is Took; the last phase is no phase
	Bytes    int
	Entities int
	Level    Level
	Skipped  int // slots given up just before
}

// recordWords is the size of a Record in the ring: 32 bytes.
const recordWords = 4

// ring holds the last ticks of an entry. Its worker writes, anybody reads: what
// was overwritten during a reading is found out afterwards, by the head.
type ring struct {
	words []atomic.Uint64
	size  uint64
	head  atomic.Uint64 // number of the newest tick
}

// ringFor returns the length of a ring for a rate, given the bytes that are left
// for rings, and its size in bytes.
func ringFor(hz int64, left int64) (records int, bytes int64) {
	records = int(hz) * int(ringSpan/time.Second)
	if bytes = int64(records) * recordWords * 8; bytes > left {
		return shortRing, 0
	}
	return records, bytes
}

func (r *ring) open(records int) {
	r.words, r.size = make([]atomic.Uint64, records*recordWords), uint64(records)
}

// put adds the tick that has just ended.
func (r *ring) put(t *Tick, o *outcome) {
	w := r.words[(t.N-1)%r.size*recordWords:][:recordWords]
	w[0].Store(uint64(t.Due/1000)<<16 | uint64(t.Level)<<13 | uint64(min(o.skip, 1<<13-1)))
	w[1].Store(pack(o.late/unit) | pack(o.duration/unit)<<16 | pack(int64(o.bytes))<<32 | pack(int64(o.entities))<<48)
	s := &t.spent
	w[2].Store(pack(s[0]/unit) | pack(s[1]/unit)<<16 | pack(s[2]/unit)<<32 | pack(s[3]/unit)<<48)
	w[3].Store(pack(s[4]/unit) | pack(s[5]/unit)<<16 | pack(s[6]/unit)<<32 | pack(s[7]/unit)<<48)
	r.head.Store(t.N)
}

// get reads the record of tick n, which must be in the ring.
func (r *ring) get(n uint64) Record {
	w := r.words[(n-1)%r.size*recordWords:][:recordWords]
	first, second := w[0].Load(), w[1].Load()
	rec := Record{
		N: n, Due: int64(first>>16) * 1000, Level: Level(first >> 13 & 7), Skipped: int(first & (1<<13 - 1)),
		Late: unpack(second) * unit, Took: unpack(second>>16) * unit,
		Bytes: int(unpack(second >> 32)), Entities: int(unpack(second >> 48)),
	}
	sum := time.Duration(0)
	for p := range NumPhases {
		rec.Phases[p] = unpack(w[2+p/4].Load()>>(p%4*16)) * unit
		sum += rec.Phases[p]
	}
	rec.Took = max(rec.Took, sum)
	rec.Phases[NumPhases] = rec.Took - sum
	return rec
}

// first returns the oldest tick that is surely in the ring while its worker may
// be writing the one after head.
func (r *ring) first(head uint64) uint64 {
	if head < r.size {
		return 1
	}
	return head - r.size + 2
}

// Recent appends the entry's last ticks to dst, those after the given number,
// oldest first: of the last minute, or of the last few seconds where the
// scheduler has so many entries that their minutes exceed MaxRingBytes.
func (e *Entry) Recent(dst []Record, after uint64) []Record {
	r := &e.ring
	head := r.head.Load()
	from := len(dst)
	for n := max(after+1, r.first(head)); n <= head; n++ {
		dst = append(dst, r.get(n))
	}
	// Drop what was overwritten meanwhile.
	oldest := r.first(r.head.Load())
	drop := from
	for drop < len(dst) && dst[drop].N < oldest {
		drop++
	}
	return append(dst[:from], dst[drop:]...)
}

// Lately is how an entry has been doing for the last ten seconds.
type Lately struct {
	Ticks int
	Late  time.Duration // p99
	Took  time.Duration // p99
	Worst time.Duration // the longest tick
}

// lately looks at the records of the last ten seconds. Packed numbers compare
// like what they stand for.
func (r *ring) lately(hz int64) Lately {
	head := r.head.Load()
	from := r.first(head)
	if n := uint64(hz * latelySeconds); head > n {
		from = max(from, head-n+1)
	}
	if head < from {
		return Lately{}
	}
	n := int(head - from + 1)
	var late, took top
	for i := from; i <= head; i++ {
		v := r.words[(i-1)%r.size*recordWords+1].Load()
		late.add(uint16(v))
		took.add(uint16(v >> 16))
	}
	above := n - (n*99+99)/100
	return Lately{
		Ticks: n,
		Late:  unpack(uint64(late[above])) * unit,
		Took:  unpack(uint64(took[above])) * unit,
		Worst: unpack(uint64(took[0])) * unit,
	}
}

// top holds the largest numbers, largest first: enough for the p99 of ten
// seconds.
type top [MaxHz*latelySeconds/100 + 1]uint16

func (t *top) add(v uint16) {
	last := len(t) - 1
	if v <= t[last] {
		return
	}
	for ; last > 0 && t[last-1] < v; last-- {
		t[last] = t[last-1]
	}
	t[last] = v
}

// unit is the smallest time that a packed number tells apart.
const unit = 8

// pack puts a number into sixteen bits: eleven of them are its leading digits,
// five how many more there were.
func pack(v int64) uint64 {
	v = max(v, 0)
	shift := max(bits.Len64(uint64(v))-11, 0)
	if shift > 31 {
		return 1<<16 - 1
	}
	return uint64(shift)<<11 | uint64(v>>shift)
}

// unpack returns the middle of what has been packed into the low sixteen bits.
func unpack(c uint64) time.Duration {
	shift := c >> 11 & 31
	return time.Duration(c&(1<<11-1)<<shift + 1<<shift>>1)
}
