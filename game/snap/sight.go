package snap

// NumBands is the number of bands of a Sight.
const NumBands = 4

// Cadences says how often the entities of a band are refreshed: at every n-th
// snapshot of the match. The numbers divide each other as far as they can, so
// that many views build on the same earlier snapshot and share their records.
var Cadences = [NumBands]uint32{1, 2, 3, 6}

// Sight says which entities one view may see and how often: a bit per slot, a
// row per set. A nil *Sight sees everything in every snapshot. It may change
// between any two snapshots.
type Sight struct{ Sets []SetSight }

// SetSight is the part of a Sight for one set. Bands are disjoint; an entity in
// no band is not visible, and nothing of it reaches the view. The entities of
// band i are refreshed at every Cadences[i]-th snapshot; those that are new in
// view come at once, whatever their band. Words that are missing are zero.
type SetSight struct{ Bands [NumBands][]uint64 }

// words returns which slots of a chunk are visible, and which of them are due in
// the snapshot of that number. A nil SetSight sees everything.
func (s *SetSight) words(chunk int, number uint32) (seen, due uint64) {
	if s == nil {
		return ^uint64(0), ^uint64(0)
	}
	for i, n := range Cadences {
		if band := s.Bands[i]; chunk < len(band) {
			seen |= band[chunk]
			if number%n == 0 {
				due |= band[chunk]
			}
		}
	}
	return seen, due
}

// set returns the part for one set, nil if all of it is visible. Sets that a
// Sight does not mention are not visible.
func (s *Sight) set(i int) *SetSight {
	switch {
	case s == nil:
		return nil
	case i >= len(s.Sets):
		return &blind
	}
	return &s.Sets[i]
}

var blind SetSight
