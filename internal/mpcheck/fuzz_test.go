package mpcheck

import (
	"bytes"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// FuzzMpcheck holds what the rest of the project relies on: what Check accepts
// the generic decoder decodes, every strict prefix is refused, and Skip agrees
// with Check about where the value ends. What it refuses no decoder sees.
func FuzzMpcheck(f *testing.F) {
	for _, b := range valid() {
		f.Add(b)
	}
	for _, b := range bombs() {
		f.Add(b[:min(len(b), 512)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if Check(b, Limits{Undefined: true, ExtBinary: true, Date: true}) == nil {
			skipsWhole(t, b)
		}
		if Check(b, Limits{}) != nil {
			_, _ = Skip(b) // whatever it says, it returns
			return
		}
		skipsWhole(t, b)
		r := bytes.NewReader(b)
		d := msgpack.NewDecoder(r)
		if _, err := d.DecodeInterface(); err != nil {
			t.Fatalf("accepted %x, which does not decode: %v", b, err)
		}
		if r.Len() != 0 {
			t.Fatalf("accepted %x, of which %d bytes are left", b, r.Len())
		}
		for i := range min(len(b), 256) {
			if Check(b[:i], Limits{}) == nil {
				t.Fatalf("accepted %x and its prefix of %d", b, i)
			}
		}
	})
}

func skipsWhole(t *testing.T, b []byte) {
	t.Helper()
	if rest, err := Skip(b); err != nil || len(rest) != 0 {
		t.Fatalf("accepted %x, but Skip leaves %x, %v", b, rest, err)
	}
}
