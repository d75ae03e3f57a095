package mpcheck

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// The reasons for which [Check] refuses. They carry no detail of the input, so
// that refusing allocates nothing.
var (
	ErrShort    = errors.New("mpcheck: value longer than the message")
	ErrTrailing = errors.New("mpcheck: bytes after the value")
	ErrDepth    = errors.New("mpcheck: nested too deep")
	ErrItems    = errors.New("mpcheck: too many values")
	ErrUTF8     = errors.New("mpcheck: string is not UTF-8")
	ErrKey      = errors.New("mpcheck: map key is not a string")
	ErrExt      = errors.New("mpcheck: extension not allowed")
	ErrCode     = errors.New("mpcheck: code 0xc1")
)

// Check reports whether b is exactly one msgpack value within l. It allocates
// nothing and takes time linear in len(b).
func Check(b []byte, l Limits) error {
	if len(b) > maxBytes {
		return ErrItems
	}
	w := walk{depth: l.depth(), items: l.items()}
	at := 0
	for {
		var h head
		if h.size, h.str = short(b[at:]); h.size == 0 {
			var err error
			if h, err = readHead(b[at:], l); err != nil {
				return err
			}
		}
		at += h.size
		if err := w.take(h); err != nil {
			return err
		}
		if w.left == 0 && w.pop() {
			break
		}
	}
	if at != len(b) {
		return ErrTrailing
	}
	return nil
}

// walk is where a check stands: in the innermost container, and how many values
// the outer ones still miss.
type walk struct {
	depth, items int
	open         int              // containers open
	left         uint32           // values missing in the innermost
	pairs        bool             // the innermost is a map
	outer        [MaxDepth]uint32 // left of the others
	maps         uint64           // pairs of the others, a bit each
}

// take counts a value and enters it when it is a container.
func (w *walk) take(h head) error {
	if w.items--; w.items < 0 {
		return ErrItems
	}
	if w.left > 0 {
		if w.pairs && w.left&1 == 0 && !h.str {
			return ErrKey
		}
		w.left--
	}
	if !h.open {
		return nil
	}
	if w.open == w.depth {
		return ErrDepth
	}
	w.outer[w.open] = w.left
	w.maps &^= 1 << w.open
	if w.pairs {
		w.maps |= 1 << w.open
	}
	w.open++
	w.left, w.pairs = uint32(h.children), h.pairs
	return nil
}

// pop closes the containers that are complete, and reports whether all are.
func (w *walk) pop() bool {
	for w.left == 0 {
		if w.open == 0 {
			return true
		}
		w.open--
		w.left, w.pairs = w.outer[w.open], w.maps&(1<<w.open) != 0
	}
	return false
}

// short returns the size of the value at the start of b when it is one of the
// commonest: a small integer, nil, a boolean or a short string of ASCII.
// Otherwise it returns 0.
func short(b []byte) (size int, str bool) {
	if len(b) == 0 {
		return 0, false
	}
	c := b[0]
	switch {
	case c <= 0x7f || c >= 0xe0 || c == 0xc0 || c == 0xc2 || c == 0xc3:
		return 1, false
	case c < 0xa0 || c > 0xbf:
		return 0, false
	}
	size = 1 + int(c&0x1f)
	if size > len(b) {
		return 0, false
	}
	for _, c := range b[1:size] {
		if c >= 0x80 {
			return 0, false
		}
	}
	return size, true
}

// Skip returns what follows the first value of b. It is meant for bytes that
// [Check] accepted; on others it returns an error or some suffix of b, but
// neither panics nor loops.
func Skip(b []byte) (rest []byte, err error) {
	trusted := Limits{Undefined: true, ExtBinary: true, Date: true}
	for missing := 1; missing > 0; missing-- {
		if n, _ := short(b); n > 0 {
			b = b[n:]
			continue
		}
		h, err := readHead(b, trusted)
		if err != nil {
			return nil, err
		}
		b = b[h.size:]
		missing += h.children
	}
	return b, nil
}

// head describes the value at the start of a message: the bytes up to its
// first child, and how many children follow.
type head struct {
	size, children   int
	open, pairs, str bool
}

func readHead(b []byte, l Limits) (head, error) {
	if len(b) == 0 {
		return head{}, ErrShort
	}
	c := b[0]
	switch {
	case c <= 0x7f || c >= 0xe0: // fixint
		return head{size: 1}, nil
	case c <= 0x8f: // fixmap
		return head{size: 1, children: 2 * int(c&0x0f), open: true, pairs: true}, nil
	case c <= 0x9f: // fixarray
		return head{size: 1, children: int(c & 0x0f), open: true}, nil
	case c <= 0xbf: // fixstr
		return readString(b, 1, uint64(c&0x1f))
	}
	return readLongHead(b, l)
}

func readLongHead(b []byte, l Limits) (head, error) {
	switch c := b[0]; c {
	case 0xc0, 0xc2, 0xc3: // nil, false, true
		return head{size: 1}, nil
	case 0xc1:
		return head{}, ErrCode
	case 0xcc, 0xd0:
		return fixed(b, 2)
	case 0xcd, 0xd1:
		return fixed(b, 3)
	case 0xca, 0xce, 0xd2:
		return fixed(b, 5)
	case 0xcb, 0xcf, 0xd3:
		return fixed(b, 9)
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return readFixExt(b, l)
	case 0xc7, 0xc8, 0xc9:
		return readExt(b, l)
	default:
		return readSized(b)
	}
}

// readSized reads str, bin, array and map with a separate length.
func readSized(b []byte) (head, error) {
	switch b[0] {
	case 0xd9:
		n, ok := length(b, 1)
		return orShort(ok, b, 2, n, readString)
	case 0xda:
		n, ok := length(b, 2)
		return orShort(ok, b, 3, n, readString)
	case 0xdb:
		n, ok := length(b, 4)
		return orShort(ok, b, 5, n, readString)
	case 0xc4:
		n, ok := length(b, 1)
		return orShort(ok, b, 2, n, readBytes)
	case 0xc5:
		n, ok := length(b, 2)
		return orShort(ok, b, 3, n, readBytes)
	case 0xc6:
		n, ok := length(b, 4)
		return orShort(ok, b, 5, n, readBytes)
	case 0xdc:
		n, ok := length(b, 2)
		return orShort(ok, b, 3, n, readArray)
	case 0xdd:
		n, ok := length(b, 4)
		return orShort(ok, b, 5, n, readArray)
	case 0xde:
		n, ok := length(b, 2)
		return orShort(ok, b, 3, n, readMap)
	default: // 0xdf, the only code left
		n, ok := length(b, 4)
		return orShort(ok, b, 5, n, readMap)
	}
}

func orShort(ok bool, b []byte, at int, n uint64, read func([]byte, int, uint64) (head, error)) (head, error) {
	if !ok {
		return head{}, ErrShort
	}
	return read(b, at, n)
}

// length reads the big-endian length of the given width that follows the code.
func length(b []byte, width int) (uint64, bool) {
	if len(b) < 1+width {
		return 0, false
	}
	switch width {
	case 1:
		return uint64(b[1]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(b[1:])), true
	default:
		return uint64(binary.BigEndian.Uint32(b[1:])), true
	}
}

func fixed(b []byte, size int) (head, error) {
	if len(b) < size {
		return head{}, ErrShort
	}
	return head{size: size}, nil
}

func readString(b []byte, at int, n uint64) (head, error) {
	if n > uint64(len(b)-at) {
		return head{}, ErrShort
	}
	end := at + int(n)
	if !utf8.Valid(b[at:end]) {
		return head{}, ErrUTF8
	}
	return head{size: end, str: true}, nil
}

func readBytes(b []byte, at int, n uint64) (head, error) {
	if n > uint64(len(b)-at) {
		return head{}, ErrShort
	}
	return head{size: at + int(n)}, nil
}

func readArray(b []byte, at int, n uint64) (head, error) {
	if n > uint64(len(b)-at) {
		return head{}, ErrShort
	}
	return head{size: at, children: int(n), open: true}, nil
}

func readMap(b []byte, at int, n uint64) (head, error) {
	if 2*n > uint64(len(b)-at) {
		return head{}, ErrShort
	}
	return head{size: at, children: 2 * int(n), open: true, pairs: true}, nil
}

// readFixExt accepts the two fixed extensions of notepack: undefined, which is
// d4 00 00, and Date, which is d7 00 and eight bytes.
func readFixExt(b []byte, l Limits) (head, error) {
	size := 2 + 1<<(b[0]-0xd4)
	if len(b) < size {
		return head{}, ErrShort
	}
	undefined := l.Undefined && b[0] == 0xd4 && b[1] == 0 && b[2] == 0
	date := l.Date && b[0] == 0xd7 && b[1] == 0
	if !undefined && !date {
		return head{}, ErrExt
	}
	return head{size: size}, nil
}

// readExt accepts the ArrayBuffer of notepack: ext 8, 16 or 32 of type 0.
func readExt(b []byte, l Limits) (head, error) {
	width := 1 << (b[0] - 0xc7)
	n, ok := length(b, width)
	if !ok || len(b) < 2+width {
		return head{}, ErrShort
	}
	if !l.ExtBinary || b[1+width] != 0 {
		return head{}, ErrExt
	}
	return readBytes(b, 2+width, n)
}
