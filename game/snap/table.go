package snap

// Source is one replicated set: its occupancy and memory, and what of it is
// replicated.
type Source struct {
	Rows   *Rows
	Layout Layout
	Cap    int
}
