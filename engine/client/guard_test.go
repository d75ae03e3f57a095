package client

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

// serverFrame is one frame as a server writes it.
func serverFrame(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = append(b, 126, byte(n>>8), byte(n))
	default:
		b = append(b, 127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, payload...)
}

func frames(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestGuard(t *testing.T) {
	const limit = 1000
	big := func(n int) []byte { return make([]byte, n) }
	fragments := func(n int) []byte {
		b := serverFrame(0x01, nil)
		for range n - 2 {
			b = append(b, serverFrame(0x00, nil)...)
		}
		return append(b, serverFrame(0x80, nil)...)
	}
	for name, tc := range map[string]struct {
		in   []byte
		want error // nil: accepted
	}{
		"text":                {serverFrame(0x81, []byte("4hello")), nil},
		"empty":               {serverFrame(0x82, nil), nil},
		"at the bound":        {serverFrame(0x82, big(limit)), nil},
		"one past the bound":  {serverFrame(0x82, big(limit+1)), errTooLong},
		"fragments at bound":  {frames(serverFrame(0x02, big(600)), serverFrame(0x80, big(400))), nil},
		"fragments past":      {frames(serverFrame(0x02, big(600)), serverFrame(0x80, big(401))), errTooLong},
		"ping in a message":   {frames(serverFrame(0x01, big(1)), serverFrame(0x89, big(125)), serverFrame(0x80, big(1))), nil},
		"most fragments":      {fragments(fragmentsMax), nil},
		"too many fragments":  {fragments(fragmentsMax + 1), errProtocol},
		"negative length":     {append([]byte{0x82, 127}, bytes.Repeat([]byte{0xff}, 8)...), errTooLong},
		"huge length":         {[]byte{0x82, 127, 0, 0, 0x80, 0, 0, 0, 0, 0}, errTooLong},
		"length not minimal":  {[]byte{0x82, 126, 0, 125}, errProtocol},
		"length not minimal8": {[]byte{0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5}, errProtocol},
		"masked":              {[]byte{0x81, 0x81, 0, 0, 0, 0, 0}, errProtocol},
		"rsv1":                {[]byte{0xc1, 0}, errProtocol},
		"rsv3":                {[]byte{0x91, 0}, errProtocol},
		"opcode 3":            {[]byte{0x83, 0}, errProtocol},
		"opcode 11":           {[]byte{0x8b, 0}, errProtocol},
		"long ping":           {serverFrame(0x89, big(126)), errProtocol},
		"fragmented ping":     {[]byte{0x09, 0}, errProtocol},
		"stray continuation":  {[]byte{0x80, 0}, errProtocol},
		"text in a message":   {[]byte{0x01, 0, 0x81, 0}, errProtocol},
		"continuation ended":  {[]byte{0x01, 0, 0x80, 0, 0x80, 0}, errProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{1, 2, 3, 1 << 20} {
				w := newWire(nil, limit)
				err := feedAll(w, []byte(switching), chunk)
				require.NoError(t, err)
				err = feedAll(w, tc.in, chunk)
				if tc.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, tc.want, "chunks of %d", chunk)
				}
			}
		})
	}
}

func feedAll(w *wire, b []byte, chunk int) error {
	for len(b) > 0 {
		n := min(chunk, len(b))
		if err := w.feed(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func TestGuardHead(t *testing.T) {
	head := func(n int) []byte {
		return []byte("HTTP/1.1 101 x\r\nX: " + strings.Repeat("x", n-len("HTTP/1.1 101 x\r\nX: \r\n\r\n")) + "\r\n\r\n")
	}
	require.NoError(t, newWire(nil, 10).feed(head(headMax)))
	require.ErrorIs(t, newWire(nil, 10).feed(head(headMax+1)), errProtocol)

	refused := newWire(nil, 10)
	require.NoError(t, refused.feed([]byte("HTTP/1.1 400 Bad Request\r\n\r\nwhatever, it is not frames")))
	require.ErrorIs(t, refused.feed(make([]byte, headMax+errorBodyMax)), errProtocol)
}

// chunks is a connection that only reads.
type chunks struct {
	net.Conn
	r io.Reader
}

func (c chunks) Read(p []byte) (int, error) { return c.r.Read(p) }

func TestWireKeepsItsError(t *testing.T) {
	w := newWire(chunks{r: strings.NewReader(switching + "\x83\x00rest")}, 100)
	p := make([]byte, 4096)
	_, err := w.Read(p)
	require.ErrorIs(t, err, errProtocol)
	_, again := w.Read(p)
	require.Equal(t, err, again)
}

func FuzzGuard(f *testing.F) {
	f.Add(serverFrame(0x81, []byte("4hello")))
	f.Add(append([]byte{0x82, 127}, bytes.Repeat([]byte{0xff}, 8)...))
	f.Add([]byte{0x01, 0, 0x89, 0, 0x80, 0})
	f.Add([]byte{0x82, 126, 0, 126, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 300
		whole, single := newWire(nil, limit), newWire(nil, limit)
		require.NoError(t, whole.feed([]byte(switching)))
		require.NoError(t, single.feed([]byte(switching)))
		errWhole, errSingle := feedAll(whole, b, len(b)+1), feedAll(single, b, 1)
		if (errWhole == nil) != (errSingle == nil) {
			t.Fatalf("whole: %v, byte by byte: %v", errWhole, errSingle)
		}
		if errWhole == nil && (whole.left > limit || whole.message > limit || whole.left < 0) {
			t.Fatalf("left %d, message %d", whole.left, whole.message)
		}
		if errWhole != nil && !errors.Is(errWhole, errProtocol) && !errors.Is(errWhole, errTooLong) {
			t.Fatal(errWhole)
		}
	})
}
