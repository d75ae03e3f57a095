package engine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

func TestSendAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	go func() { _, _ = io.Copy(io.Discard, w) }()
	text, blob := make([]byte, 60), make([]byte, 400)
	for i := range text {
		text[i] = 'x'
	}
	msgs := []engine.Message{{Data: text}, {Data: blob, Binary: true}}
	for name, send := range map[string]func(){
		"Send text":   func() { _ = s.conn.Send(text, false) },
		"Send binary": func() { _ = s.conn.Send(blob, true) },
		"SendAll":     func() { _ = s.conn.SendAll(msgs) },
		"SendLatest":  func() { s.conn.SendLatest(blob, true) },
	} {
		t.Run(name, func(t *testing.T) {
			// The reader keeps up, so that this is the path without backlog.
			require.Zero(t, testing.AllocsPerRun(200, func() {
				send()
				for !s.conn.Writable() {
				}
			}))
		})
	}
}

func TestSendReturnsAtOnce(t *testing.T) {
	f := serve(t, engine.Config{OutboxBytes: 256 << 10})
	w, s := f.ws(t)
	_ = w // never reads
	other, _ := f.ws(t)
	var err error
	sent := 0
	for err == nil {
		err = s.conn.Send(make([]byte, 10_000), true)
		sent += 10_000
		require.Less(t, sent, 64<<20, "the kernel takes everything")
		require.LessOrEqual(t, s.conn.Buffered(), 256<<10)
	}
	require.ErrorIs(t, err, engine.ErrSlow)
	require.Equal(t, engine.ReasonSlowConsumer, s.ended(t))
	say(t, other, "4x", "4x")
	require.Eventually(t, func() bool { return f.Stats().OutboxBytes == 0 }, testPatience, testPause)
}

// serveTLS serves f's Server over TLS, with the outbox below or above it.
func serveTLS(t *testing.T, f *fixture, below bool) (addr string, dial func() *enginetest.WS) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	require.NoError(t, err)
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if below {
		ln = engine.WrapListener(ln)
	}
	hs := &http.Server{Handler: f.Server}
	done := make(chan error, 1)
	go func() { done <- hs.Serve(tls.NewListener(ln, cfg)) }()
	t.Cleanup(func() {
		require.NoError(t, hs.Close())
		<-done
	})
	return ln.Addr().String(), func() *enginetest.WS {
		c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
		w, err := enginetest.Upgrade(c, wsURI)
		require.NoError(t, err)
		_, err = w.ReadOpen()
		require.NoError(t, err)
		return w
	}
}

func TestTLS(t *testing.T) {
	for name, below := range map[string]bool{"outbox below": true, "outbox above": false} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, engine.Config{OutboxBytes: 256 << 10})
			_, dial := serveTLS(t, f, below)
			w := dial()
			s := <-f.open
			require.True(t, s.conn.Handshake().Secure)
			say(t, w, "4hello", "4hello")
			require.NoError(t, w.SendBinary(make([]byte, 5000)))
			got, err := w.ReadText()
			require.NoError(t, err)
			require.Len(t, got, 5000)
			require.Eventually(t, func() bool { return s.conn.SendLatest([]byte("latest"), false) }, testPatience, testPause)
			got, err = w.ReadText()
			require.NoError(t, err)
			require.Equal(t, "4latest", got)
			_, err = w.Write([]byte{0xFF})
			require.NoError(t, err)
			require.Equal(t, 1002, closeCode(t, w).Code)
			require.Equal(t, engine.ReasonProtocol, s.ended(t))

			// Somebody who never reads.
			dial()
			s = <-f.open
			for err = nil; err == nil; err = s.conn.Send(make([]byte, 10_000), true) {
				// Below, the records' own overhead comes on top.
				require.LessOrEqual(t, s.conn.Buffered(), 256<<10+1000)
			}
			require.ErrorIs(t, err, engine.ErrSlow)
			require.Equal(t, engine.ReasonSlowConsumer, s.ended(t))
		})
	}
}

func BenchmarkSend(b *testing.B) {
	open := make(chan *engine.Conn, 1)
	s := engine.New(engine.Config{OutboxBytes: 64 << 20, Open: func(c *engine.Conn) engine.Handler {
		open <- c
		return newSession(c)
	}})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	hs := &http.Server{Handler: s}
	go func() { _ = hs.Serve(ln) }()
	defer hs.Close()
	w, _, err := enginetest.OpenWS(ln.Addr().String())
	require.NoError(b, err)
	defer w.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, w)
	}()
	c := <-open
	msg := make([]byte, 400)
	b.ReportAllocs()
	refused := 0
	for b.Loop() {
		for !c.SendLatest(msg, true) {
			refused++
			runtime.Gosched()
		}
	}
	b.ReportMetric(float64(refused)/float64(b.N), "refused/op")
	c.Close(engine.ReasonForced)
	w.Close()
	<-done
	require.NoError(b, s.Shutdown(b.Context()))
}
