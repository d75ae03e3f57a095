package sio

import (
	"bytes"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"

	"gameserver/internal/mpcheck"
)

// TranscodeJSON appends the one JSON value in json to dst as msgpack, so that a
// reader of msgpack serves both parsers. It checks json first: 16 levels, 4096
// values, valid UTF-8, nothing after the value, finite numbers. Half of a
// surrogate pair, which has no UTF-8, becomes U+FFFD. On an error dst
// is returned as it was. It allocates only to grow dst.
func TranscodeJSON(dst, json []byte) ([]byte, error) {
	c := jsonCheck{b: json, depth: mpcheck.DefaultDepth, items: mpcheck.DefaultItems}
	if err := c.run(); err != nil {
		return dst, err
	}
	return transcode(dst, json, nil)
}

// transcode is TranscodeJSON for a value that jsonCheck accepted. Placeholders
// become the attachments they stand for.
func transcode(dst, json []byte, parts [][]byte) ([]byte, error) {
	t := transcoder{dst: dst, parts: parts}
	if _, err := t.value(json); err != nil {
		return dst, err
	}
	return t.dst, nil
}

type transcoder struct {
	dst   []byte
	parts [][]byte
}

// value appends the first value of b and returns what follows it. Recursion is
// bounded by the check.
func (t *transcoder) value(b []byte) (rest []byte, err error) {
	b = trimSeparators(b)
	switch b[0] {
	case '{':
		return t.object(b)
	case '[':
		return t.array(b)
	case '"':
		return t.text(b), nil
	case 't':
		t.dst = append(t.dst, 0xc3)
		return b[4:], nil
	case 'f':
		t.dst = append(t.dst, 0xc2)
		return b[5:], nil
	case 'n':
		t.dst = append(t.dst, 0xc0)
		return b[4:], nil
	}
	n := scanNumber(b)
	num, ok := readNumber(b[:n])
	if !ok {
		return nil, badPayload("number out of range")
	}
	t.dst = num.appendMsgpack(t.dst)
	return b[n:], nil
}

func (t *transcoder) array(b []byte) ([]byte, error) {
	start := t.begin()
	b = trimSeparators(b[1:])
	n := 0
	for ; b[0] != ']'; n++ {
		var err error
		if b, err = t.value(b); err != nil {
			return nil, err
		}
		b = trimSeparators(b)
	}
	t.end(start, n, 0x90, 0xdc)
	return b[1:], nil
}

func (t *transcoder) object(b []byte) ([]byte, error) {
	if len(t.parts) > 0 {
		if num, size, ok := readPlaceholder(b); ok && num < len(t.parts) {
			t.dst = msgp.AppendBytes(t.dst, t.parts[num])
			return b[size:], nil
		}
	}
	start := t.begin()
	b = trimSeparators(b[1:])
	n := 0
	for ; b[0] != '}'; n++ {
		b = trimSeparators(t.text(b))[1:] // the colon
		var err error
		if b, err = t.value(b); err != nil {
			return nil, err
		}
		b = trimSeparators(b)
	}
	t.end(start, n, 0x80, 0xde)
	return b[1:], nil
}

// begin leaves room for the shortest header of a container.
func (t *transcoder) begin() (start int) {
	t.dst = append(t.dst, 0)
	return len(t.dst) - 1
}

// end writes the header of a container of n entries, moving them when it does
// not fit into one byte.
func (t *transcoder) end(start, n int, short, long byte) {
	if n < 16 {
		t.dst[start] = short | byte(n)
		return
	}
	if n < 1<<16 {
		t.dst = append(t.dst, 0, 0)
		copy(t.dst[start+3:], t.dst[start+1:])
		t.dst[start], t.dst[start+1], t.dst[start+2] = long, byte(n>>8), byte(n)
		return
	}
	t.dst = append(t.dst, 0, 0, 0, 0)
	copy(t.dst[start+5:], t.dst[start+1:])
	t.dst[start] = long + 1
	for i := range 4 {
		t.dst[start+1+i] = byte(n >> (24 - 8*i))
	}
}

// text appends the string literal at the start of b.
func (t *transcoder) text(b []byte) (rest []byte) {
	n := scanString(b)
	s := b[1 : n-1]
	if bytes.IndexByte(s, '\\') < 0 {
		t.dst = msgp.AppendStringFromBytes(t.dst, s)
		return b[n:]
	}
	start := len(t.dst)
	t.dst = append(t.dst, 0, 0, 0, 0, 0) // room for the longest header
	t.dst = appendUnescaped(t.dst, s)
	size := len(t.dst) - start - 5
	head := appendStringHead(t.dst[:start], size)
	t.dst = append(head, t.dst[start+5:]...)
	return b[n:]
}

func appendStringHead(dst []byte, n int) []byte {
	switch {
	case n < 32:
		return append(dst, 0xa0|byte(n))
	case n < 1<<8:
		return append(dst, 0xd9, byte(n))
	case n < 1<<16:
		return append(dst, 0xda, byte(n>>8), byte(n))
	default:
		return append(dst, 0xdb, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}

// appendUnescaped appends the contents of a checked string literal.
func appendUnescaped(dst, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		switch c := s[1]; c {
		case 'u':
			r, n := readUnicode(s)
			dst = utf8.AppendRune(dst, r)
			s = s[n:]
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		s = s[2:]
	}
	return dst
}
