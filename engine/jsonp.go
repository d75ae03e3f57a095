package engine

import (
	"bytes"
	"encoding/json"
	"net/url"
)

// JSONP is polling for browsers that cannot ask another origin in any other way:
// the answer is a script that calls ___eio[j], the POST a form whose field d is
// the payload.

// jsonpIndex returns the index of the callback, "" if no JSONP is wanted.
func jsonpIndex(query url.Values) (index string, ok bool) {
	if !query.Has("j") {
		return "", true
	}
	index = query.Get("j")
	if len(index) == 0 || len(index) > maxJSONPIndex {
		return "", false
	}
	for i := range len(index) {
		if index[i] < '0' || index[i] > '9' {
			return "", false
		}
	}
	return index, true
}

// jsonpScript is the script that hands a payload to its callback.
func jsonpScript(index string, payload []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(payload) + len(payload)/8 + 32)
	b.WriteString("___eio[")
	b.WriteString(index)
	b.WriteString("](")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)        // U+2028 and U+2029 are escaped nevertheless
	_ = e.Encode(string(payload)) // a string into a Buffer cannot fail
	return append(bytes.TrimSuffix(b.Bytes(), []byte("\n")), ");"...)
}

// jsonpPayload takes the payload out of a form. ok is false if there is none.
func jsonpPayload(form []byte) (payload []byte, ok bool) {
	for len(form) > 0 {
		var field []byte
		field, form, _ = bytes.Cut(form, []byte("&"))
		name, value, _ := bytes.Cut(field, []byte("="))
		if string(name) != "d" {
			continue
		}
		text, err := url.QueryUnescape(string(value))
		if err != nil {
			return nil, false
		}
		return unescapeNewlines([]byte(text)), true
	}
	return nil, false
}

// unescapeNewlines undoes what clients do because forms mangle line ends: they
// send a newline as backslash n, and a backslash n as two backslashes and n. It
// works in place.
func unescapeNewlines(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		rest := b[i:]
		switch {
		case bytes.HasPrefix(rest, []byte(`\\n`)):
			out = append(out, '\\', 'n')
			i += 2
		case bytes.HasPrefix(rest, []byte(`\n`)):
			out = append(out, '\n')
			i++
		default:
			out = append(out, b[i])
		}
	}
	return out
}
