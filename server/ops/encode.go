package ops

import (
	"encoding/binary"
	"math"
	"math/bits"
	"time"

	"gameserver/tick"
)

// The byte strings of a frame. Numbers are little-endian.

// histogram is a distribution in the buckets of the wire.
type histogram [histBuckets]uint64

// bucketOf returns the bucket of a duration: four to an octave, the first for
// less than 1 µs.
func bucketOf(d time.Duration) int {
	if d < time.Microsecond {
		return 0
	}
	return min(1+int(4*math.Log2(float64(d)/1e3)), histBuckets-1)
}

// read takes the counts of a histogram.
func (h *histogram) read(from *tick.Histogram) {
	clear(h[:])
	for d, n := range from.All() {
		h[bucketOf(d)] += n
	}
}

// The histograms of a frame, by number: lateness, duration, then the phases.
const (
	histLateness = iota
	histDuration
	histPhases
	numHists = histPhases + int(tick.NumPhases)
)

type histograms [numHists]histogram

// appendHist appends what now has more than base: for each bucket that grew its
// histogram, its number and by how much, in 1 + 1 + 4 bytes.
func appendHist(dst []byte, now, base *histograms) []byte {
	for h := range now {
		for b, n := range now[h] {
			if more := n - base[h][b]; more > 0 {
				dst = append(dst, byte(h), byte(b))
				dst = binary.LittleEndian.AppendUint32(dst, uint32(min(more, math.MaxUint32)))
			}
		}
	}
	return dst
}

// heat is what the map shows of a match since a base.
type heat struct {
	took, late uint8 // of the worst tick, as shares of a tick's time: see share
	missed     uint8 // ticks late, or skipped
	state      uint8 // level, and flags
}

// Flags of heat.state, above the level.
const (
	flagStuck = 1 << (3 + iota)
	flagPaused
)

// share packs a share of a tick's time: 0 for nothing, else 16 steps to an octave
// from 1/1024 on; 255 is all above 60.
func share(part, whole time.Duration) uint8 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	v := 1 + 16*(math.Log2(float64(part)/float64(whole))+10)
	return uint8(min(max(v, 1), 255))
}

// add makes h tell of what o tells too.
func (h *heat) add(o heat) {
	h.took, h.late = max(h.took, o.took), max(h.late, o.late)
	h.missed += min(o.missed, 255-h.missed)
	h.state = o.state
}

func appendHeat(dst []byte, all []heat) []byte {
	for _, h := range all {
		dst = append(dst, h.took, h.late, h.missed, h.state)
	}
	return dst
}

// tickBytes is the size of one tick.
const tickBytes = 4 + 2 + 2 + 2*int(tick.NumPhases) + 2 + 1 + 1

// appendTick appends a tick of the selected match: when it was due in ms since
// the scheduler began, lateness, duration, the phases, bytes sent, level and
// slots skipped. Times are in µs, packed as pack has it.
func appendTick(dst []byte, r *tick.Record) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(max(r.Due/1e6, 0))) //nolint:gosec // 49 days, then it wraps
	dst = binary.LittleEndian.AppendUint16(dst, micros(r.Late))
	dst = binary.LittleEndian.AppendUint16(dst, micros(r.Took))
	for _, d := range r.Phases[:tick.NumPhases] {
		dst = binary.LittleEndian.AppendUint16(dst, micros(d))
	}
	dst = binary.LittleEndian.AppendUint16(dst, pack(int64(r.Bytes)))
	return append(dst, uint8(r.Level), uint8(min(max(r.Skipped, 0), 255)))
}

func micros(d time.Duration) uint16 { return pack(int64(d / time.Microsecond)) }

// pack puts a number into sixteen bits: eleven are its leading digits, five how
// many more there were.
func pack(v int64) uint16 {
	v = max(v, 0)
	shift := max(bits.Len64(uint64(v))-11, 0)
	if shift > 31 {
		return math.MaxUint16
	}
	return uint16(shift<<11 | int(v>>shift)) //nolint:gosec // 5 and 11 bits
}
