package sio

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonCheck validates one JSON value without decoding it: grammar, depth,
// number of values, UTF-8 and the attachments it refers to. It is iterative
// and allocates nothing.
type jsonCheck struct {
	b         []byte
	at        int
	depth     int    // most containers open at once
	items     int    // values still allowed
	attach    int    // attachments announced; placeholders are ordinary objects when 0
	open      int    // containers open
	objects   uint64 // bit d set: container d is an object
	top       int    // elements of the outermost array
	used      uint32 // bit n set: placeholder n seen
	afterHold bool   // the object being scanned is a placeholder
}

// run checks all of b and reports the number of elements when it is an array.
func (c *jsonCheck) run() error {
	if !utf8.Valid(c.b) {
		return protocolError("invalid UTF-8")
	}
	for done := false; !done; {
		if err := c.value(); err != nil {
			return err
		}
		var err error
		if done, err = c.next(); err != nil {
			return err
		}
	}
	if c.at != len(c.b) {
		return protocolError("bytes after the payload")
	}
	if c.used != 1<<c.attach-1 {
		return protocolError("attachment without placeholder")
	}
	return nil
}

func (c *jsonCheck) peek() byte {
	for c.at < len(c.b) {
		switch ch := c.b[c.at]; ch {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return ch
		}
	}
	return 0
}

func (c *jsonCheck) inObject() bool { return c.open > 0 && c.objects&(1<<(c.open-1)) != 0 }

// value reads one scalar, or opens containers up to the first scalar in them.
func (c *jsonCheck) value() error {
	for {
		ch := c.peek()
		if c.items--; c.items < 0 {
			return protocolError("too many values")
		}
		if c.open == 1 {
			c.top++
		}
		if ch != '{' && ch != '[' {
			return c.scalar(ch)
		}
		if err := c.push(ch == '{'); err != nil {
			return err
		}
		if c.peek() == ch+2 { // '}' and ']' are two after their opening
			return nil
		}
		if ch == '{' {
			if err := c.key(); err != nil {
				return err
			}
		}
	}
}

func (c *jsonCheck) push(object bool) error {
	if c.open == c.depth {
		return protocolError("nested too deep")
	}
	c.objects &^= 1 << c.open
	if object {
		c.objects |= 1 << c.open
		if err := c.placeholder(); err != nil {
			return err
		}
	}
	c.open++
	c.at++
	return nil
}

// placeholder notes the attachment that the object at c.at stands for.
func (c *jsonCheck) placeholder() error {
	if c.attach == 0 {
		return nil
	}
	num, _, ok := readPlaceholder(c.b[c.at:])
	if !ok {
		return nil
	}
	if num >= c.attach || c.used&(1<<num) != 0 {
		return protocolError("illegal placeholder")
	}
	c.used |= 1 << num
	c.afterHold = true
	return nil
}

// key reads the name of a member and its colon.
func (c *jsonCheck) key() error {
	if c.peek() != '"' {
		return protocolError("invalid payload")
	}
	if c.items--; c.items < 0 {
		return protocolError("too many values")
	}
	start := c.at
	if err := c.scalar('"'); err != nil {
		return err
	}
	name := c.b[start:c.at]
	if c.peek() != ':' {
		return protocolError("invalid payload")
	}
	c.at++
	if c.attach > 0 && string(name) == `"_placeholder"` && !c.afterHold && c.peek() == 't' {
		return protocolError("illegal placeholder")
	}
	return nil
}

// next moves from the end of a value to the start of the following one, closing
// containers, and reports whether the outermost value is complete.
func (c *jsonCheck) next() (done bool, err error) {
	for c.open > 0 {
		switch ch := c.peek(); {
		case ch == ',':
			c.at++
			if c.inObject() {
				return false, c.key()
			}
			return false, nil
		case ch == '}' && c.inObject(), ch == ']' && !c.inObject():
			c.at++
			c.open--
			c.afterHold = false
		default:
			return false, protocolError("invalid payload")
		}
	}
	c.peek()
	return true, nil
}

func (c *jsonCheck) scalar(ch byte) error {
	var n int
	switch ch {
	case '"':
		n = scanString(c.b[c.at:])
	case 't':
		n = scanWord(c.b[c.at:], "true")
	case 'f':
		n = scanWord(c.b[c.at:], "false")
	case 'n':
		n = scanWord(c.b[c.at:], "null")
	default:
		n = scanNumber(c.b[c.at:])
	}
	if n == 0 {
		return protocolError("invalid payload")
	}
	c.at += n
	return nil
}

func scanWord(b []byte, word string) int {
	if len(b) < len(word) || string(b[:len(word)]) != word {
		return 0
	}
	return len(word)
}

// scanString returns the length of the string literal at the start of b with
// its quotes, or 0.
func scanString(b []byte) int {
	for i := 1; i < len(b); {
		switch ch := b[i]; {
		case ch == '"':
			return i + 1
		case ch == '\\':
			n := scanEscape(b[i:])
			if n == 0 {
				return 0
			}
			i += n
		case ch < 0x20:
			return 0
		default:
			i++
		}
	}
	return 0
}

func scanEscape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		_, n := readUnicode(b)
		return n
	}
	return 0
}

// readUnicode reads \uXXXX, or two of them when they are a surrogate pair, and
// returns the length consumed, 0 when it is neither. Half of a pair is U+FFFD.
func readUnicode(b []byte) (r rune, n int) {
	r, ok := readHex(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := readHex(b[6:])
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return r, 6
	}
	return r, 12
}

// wellFormed returns a checked payload as it is, or a copy in which each half of
// a surrogate pair is U+FFFD: what JavaScript makes of a string that was cut
// inside a character has no UTF-8, so no msgpack client could be sent it, and
// strict parsers of JSON refuse it.
func wellFormed(b []byte) []byte {
	copied := false
	for i := 0; ; {
		next := bytes.IndexByte(b[i:], '\\')
		if next < 0 {
			return b
		}
		i += next
		if b[i+1] != 'u' {
			i += 2
			continue
		}
		_, n := readUnicode(b[i:])
		if r, _ := readHex(b[i:]); n == 6 && utf16.IsSurrogate(r) {
			if !copied {
				b, copied = bytes.Clone(b), true
			}
			copy(b[i:], `\ufffd`)
		}
		i += n
	}
}

func readHex(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, ch := range b[2:6] {
		switch {
		case ch >= '0' && ch <= '9':
			ch -= '0'
		case ch >= 'a' && ch <= 'f':
			ch -= 'a' - 10
		case ch >= 'A' && ch <= 'F':
			ch -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(ch)
	}
	return r, true
}

// scanNumber returns the length of the number at the start of b, or 0.
func scanNumber(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	n := scanDigits(b[i:])
	if n == 0 || n > 1 && b[i] == '0' {
		return 0
	}
	i += n
	if i < len(b) && b[i] == '.' {
		if n = scanDigits(b[i+1:]); n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if n = scanDigits(b[i:]); n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func scanDigits(b []byte) int {
	for i, ch := range b {
		if ch < '0' || ch > '9' {
			return i
		}
	}
	return len(b)
}

// skipJSON returns what follows the first value of b, which jsonCheck accepted.
func skipJSON(b []byte) []byte {
	depth := 0
	for i := 0; i < len(b); {
		switch b[i] {
		case '"':
			i += max(scanString(b[i:]), 1)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
			continue
		default: // number or word
			for i < len(b) && !isDelimiter(b[i]) {
				i++
			}
		}
		if depth <= 0 {
			return b[i:]
		}
	}
	return nil
}

func isDelimiter(ch byte) bool {
	switch ch {
	case ' ', '\t', '\n', '\r', ',', ':', '}', ']', '{', '[', '"':
		return true
	}
	return false
}

// readPlaceholder reads {"_placeholder":true,"num":n}, in either order, and
// returns n and the length of the object.
func readPlaceholder(b []byte) (num, size int, ok bool) {
	c := jsonCheck{b: b, at: 1}
	flag, number := false, -1
	for i := range 2 {
		switch key := c.literal(); key {
		case `"_placeholder"`:
			flag = c.skipByte(':') && c.literal() == "true"
		case `"num"`:
			if !c.skipByte(':') {
				return 0, 0, false
			}
			if s := c.literal(); len(s) == 1 && s[0] >= '0' && s[0] <= '9' ||
				len(s) == 2 && s[0] == '1' && s[1] >= '0' && s[1] <= '5' {
				number = atoi(s)
			}
		}
		if want := [2]byte{',', '}'}[i]; !c.skipByte(want) {
			return 0, 0, false
		}
	}
	return number, c.at, flag && number >= 0
}

func atoi(s string) (n int) {
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func (c *jsonCheck) skipByte(want byte) bool {
	if c.peek() != want || c.at == len(c.b) {
		return false
	}
	c.at++
	return true
}

// literal returns the scalar at c.at when it is one a placeholder can contain.
func (c *jsonCheck) literal() string {
	ch := c.peek()
	start := c.at
	if c.scalar(ch) != nil {
		return ""
	}
	switch s := c.b[start:c.at]; {
	case string(s) == `"_placeholder"`:
		return `"_placeholder"`
	case string(s) == `"num"`:
		return `"num"`
	case string(s) == "true":
		return "true"
	case len(s) <= 2:
		return string(s)
	}
	return ""
}
