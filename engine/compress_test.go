package engine_test

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/engine"

	"github.com/stretchr/testify/require"
)

// plainHTTP keeps the client from decompressing by itself.
func (f *fixture) plainHTTP() { f.http.Transport.(*http.Transport).DisableCompression = true }

func TestJSONPPolling(t *testing.T) {
	f := serve(t, engine.Config{})
	a := f.do(t, "GET", pollQuery+"&j=3", "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "text/javascript; charset=UTF-8", a.ctype)
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	s := <-f.open
	require.True(t, strings.HasPrefix(a.body, `___eio[3]("0{\"sid\":\"`+s.conn.ID()), a.body)
	require.True(t, strings.HasSuffix(a.body, `}");`), a.body)
	sid := "&sid=" + s.conn.ID()
	post := func(d string) answer {
		return f.do(t, "POST", pollQuery+"&j=4"+sid, url.Values{"d": {d}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	a = post(`4line\nbreak & "quote"` + "\x1ebAQI=")
	require.Equal(t, "ok", a.body)
	require.Equal(t, []string{"t:line\nbreak & \"quote\"", "b:\x01\x02"}, s.messages())
	a = f.do(t, "GET", pollQuery+"&j=5"+sid, "")
	require.Equal(t, `___eio[5]("4line\nbreak & \"quote\"\u001ebAQI=");`, a.body)
	// Errors are those of polling.
	require.Equal(t, 400, f.do(t, "GET", pollQuery+"&j=x"+sid, "").status)
	require.Equal(t, 400, f.do(t, "POST", pollQuery+"&j=6"+sid, "4not a form").status)
	require.Equal(t, engine.ReasonProtocol, s.ended(t))
}

func TestCompression(t *testing.T) {
	f := serve(t, engine.Config{})
	f.plainHTTP()
	p := f.poll(t)
	get := func(accept, text, query string) answer {
		require.NoError(t, p.conn.Send([]byte(text), false))
		if accept == "" {
			return f.do(t, "GET", p.query()+query, "")
		}
		return f.do(t, "GET", p.query()+query, "", "Accept-Encoding", accept)
	}
	at := strings.Repeat("x", 1023) // and the type
	for accept, want := range map[string]string{
		"":                          "",
		"gzip":                      "gzip",
		"GZIP":                      "gzip",
		"deflate":                   "deflate",
		"gzip, deflate, br":         "gzip",
		"deflate, gzip":             "gzip",
		"gzip;q=0.5, deflate;q=0.6": "deflate",
		"gzip;q=0":                  "",
		"gzip;q=0, deflate":         "deflate",
		"gzip; q=0, *":              "deflate",
		"*":                         "gzip",
		"*;q=0":                     "",
		"br":                        "",
		"identity":                  "",
		"gzip;q=2":                  "",
		"gzip;q=NaN":                "",
		"gzip;q=x":                  "",
		"x-gzip":                    "",
		",,;;,":                     "",
	} {
		t.Run(accept, func(t *testing.T) {
			a := get(accept, at, "")
			require.Equal(t, want, a.header.Get("Content-Encoding"))
			require.Equal(t, strconv.Itoa(len(a.body)), a.header.Get("Content-Length"))
			require.Contains(t, a.header.Values("Vary"), "Accept-Encoding")
			require.Equal(t, "4"+at, inflate(t, a))
			a = get(accept, at[1:], "") // one byte less is sent as it is
			require.Empty(t, a.header.Get("Content-Encoding"))
			require.Equal(t, "4"+at[1:], a.body)
		})
	}
	a := get("gzip", at, "&j=1")
	require.Equal(t, "gzip", a.header.Get("Content-Encoding"))
	require.Equal(t, `___eio[1]("4`+at+`");`, inflate(t, a))
}

func inflate(t *testing.T, a answer) string {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch a.header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

func TestNoCompression(t *testing.T) {
	f := serve(t, engine.Config{NoCompression: true})
	f.plainHTTP()
	p := f.poll(t)
	long := strings.Repeat("x", 5000)
	require.NoError(t, p.conn.Send([]byte(long), false))
	a := f.do(t, "GET", p.query(), "", "Accept-Encoding", "gzip")
	require.Equal(t, "4"+long, a.body)
	require.NotContains(t, a.header.Values("Vary"), "Accept-Encoding")
}

// A client that goes away in the middle of an answer ends its session, once, and
// what was compressed for it harms nobody else.
func TestAbortedAnswerEndsTheSessionOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		accept string
		leaves bool // it closes; otherwise it only stops reading
		want   engine.Reason
	}{
		"gzip, gone":   {"gzip", true, engine.ReasonTransportError},
		"plain, gone":  {"", true, engine.ReasonTransportError},
		"gzip, stuck":  {"gzip", false, engine.ReasonSlowConsumer},
		"plain, stuck": {"", false, engine.ReasonSlowConsumer},
	} {
		t.Run(name, func(t *testing.T) {
			bubbled(t, engine.Config{OutboxBytes: 2 << 20}, func(b *bubble) {
				p := b.poll(b.t)
				noise := make([]byte, 300<<10) // does not compress below a pipe's buffer
				_, _ = rand.Read(noise)
				require.NoError(b.t, p.conn.Send([]byte(hex.EncodeToString(noise)), false))
				c, err := b.ln.Dial()
				require.NoError(b.t, err)
				_, err = io.WriteString(c, "GET /?"+p.query()+" HTTP/1.1\r\nHost: x\r\nAccept-Encoding: "+tc.accept+"\r\n\r\n")
				require.NoError(b.t, err)
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				require.NoError(b.t, err)
				require.Equal(b.t, tc.accept, resp.Header.Get("Content-Encoding"))
				start := time.Now()
				if tc.leaves {
					c.Close()
				}
				require.Equal(b.t, tc.want, p.ended(b.t))
				if !tc.leaves {
					require.Equal(b.t, 10*time.Second, time.Since(start).Truncate(time.Second))
				}
				c.Close()
				synctest.Wait()
				require.Equal(b.t, 400, p.get(b.t).status)
				require.EqualValues(b.t, 1, b.Stats().Closed)
				require.Zero(b.t, b.Stats().OutboxBytes)
				other := b.poll(b.t)
				require.NoError(b.t, other.conn.Send([]byte(strings.Repeat("y", 4096)), false))
				require.Equal(b.t, "4"+strings.Repeat("y", 4096), other.get(b.t).body)
			})
		})
	}
}
