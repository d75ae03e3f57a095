package mpcheck

const (
	// MaxDepth is the deepest nesting any [Limits] can ask for; a larger
	// Limits.Depth means MaxDepth.
	MaxDepth = 64
	// DefaultDepth is the nesting accepted when Limits.Depth is zero.
	DefaultDepth = 16
	// DefaultItems is the number of values accepted when Limits.Items is zero.
	DefaultItems = 4096

	maxBytes = 1<<31 - 1 // a longer message is refused unread
)

// Limits bounds what [Check] accepts. The zero value allows DefaultDepth levels,
// DefaultItems values and no extension.
type Limits struct {
	// Depth is the number of containers that may be open at once. A scalar has
	// depth 0, an empty array depth 1. Zero means DefaultDepth.
	Depth int
	// Items is the number of values in the message: every scalar, every
	// container and every map key counts one. Zero means DefaultItems.
	Items int
	// Undefined accepts d4 00 00, the undefined of notepack.
	Undefined bool
	// ExtBinary accepts c7, c8 and c9 of type 0, the ArrayBuffer of notepack
	// on Node.
	ExtBinary bool
	// Date accepts d7 00 and eight bytes, the Date of notepack.
	Date bool
}

func (l Limits) depth() int {
	switch {
	case l.Depth <= 0:
		return DefaultDepth
	case l.Depth > MaxDepth:
		return MaxDepth
	default:
		return l.Depth
	}
}

func (l Limits) items() int {
	if l.Items <= 0 {
		return DefaultItems
	}
	return l.Items
}
