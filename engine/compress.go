package engine

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// squeezer compresses one body. Its writers are large and are reused.
type squeezer struct {
	gzip *gzip.Writer
	zlib *zlib.Writer
	out  bytes.Buffer
}

// resetter is what the writers of both encodings have in common.
type resetter interface {
	io.WriteCloser
	Reset(io.Writer)
}

func newSqueezer() *squeezer {
	z := new(squeezer)
	// The level is one of the package's own: there is no error.
	z.gzip, _ = gzip.NewWriterLevel(nil, flate.BestSpeed)
	z.zlib, _ = zlib.NewWriterLevel(nil, flate.BestSpeed)
	return z
}

// squeeze returns body in an encoding. It is valid until the next call.
func (z *squeezer) squeeze(body []byte, encoding string) []byte {
	var w resetter = z.gzip
	if encoding == encodingDeflate {
		w = z.zlib
	}
	z.out.Reset()
	w.Reset(&z.out)
	_, _ = w.Write(body) // into a Buffer: cannot fail
	_ = w.Close()
	return z.out.Bytes()
}

// The encodings of HTTP. What it calls deflate has the frame of zlib.
const (
	encodingGzip    = "gzip"
	encodingDeflate = "deflate"
)

// chooseEncoding returns the encoding that a client prefers, "" for none. At
// equal preference it is gzip.
func chooseEncoding(h http.Header) string {
	weights := map[string]float64{}
	for _, line := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(part, ";")
			weights[strings.ToLower(strings.TrimSpace(name))] = weightOf(params)
		}
	}
	best, most := "", 0.0
	for _, e := range []string{encodingGzip, encodingDeflate} {
		w, named := weights[e]
		if !named {
			w = weights["*"]
		}
		if w > most {
			best, most = e, w
		}
	}
	return best
}

// weightOf reads the parameter q of an element, 1 if there is none.
func weightOf(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		w, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(w >= 0 && w <= 1) {
			return 0
		}
		return w
	}
	return 1
}
