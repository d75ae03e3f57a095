package server

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
)

// doorstep runs what listens to players, in virtual time.
func doorstep(t *testing.T, wrap func(net.Listener) net.Listener, body func(t *testing.T, ln *enginetest.Listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ln := enginetest.NewListener()
		hs := newHTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), slog.New(slog.DiscardHandler))
		go func() { _ = hs.Serve(wrap(ln)) }()
		body(t, ln)
		require.NoError(t, hs.Close())
		time.Sleep(time.Second) // net/http lingers after some refusals
	})
}

func unwrapped(ln net.Listener) net.Listener { return ln }

// endsAfter drips a byte a second and tells how long the server puts up with it.
func endsAfter(t *testing.T, c net.Conn, drip string) time.Duration {
	t.Helper()
	start := time.Now()
	gone := make(chan time.Duration, 1)
	go func() {
		_, _ = io.Copy(io.Discard, c)
		gone <- time.Since(start)
	}()
	for {
		select {
		case d := <-gone:
			return d
		case <-time.After(time.Second):
		}
		require.Less(t, time.Since(start), time.Hour)
		if drip != "" {
			_, _ = io.WriteString(c, drip)
		}
	}
}

func answered(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}

// Whoever says nothing, or a header a byte at a time, has five seconds in all,
// however many of them there are, and somebody else is answered meanwhile.
func TestSlowHeaders(t *testing.T) {
	for name, start := range map[string]string{
		"silent": "", "half a line": "GET /", "a header without end": "GET / HTTP/1.1\r\nX-Slow: ",
	} {
		t.Run(name, func(t *testing.T) {
			doorstep(t, unwrapped, func(t *testing.T, ln *enginetest.Listener) {
				t.Helper()
				drip := "x"
				if start == "" {
					drip = ""
				}
				ended := make(chan time.Duration)
				for range 200 {
					c, err := ln.Dial()
					require.NoError(t, err)
					_, err = io.WriteString(c, start)
					require.NoError(t, err)
					go func() { ended <- endsAfter(t, c, drip) }()
				}
				time.Sleep(2 * time.Second)
				good, err := ln.Dial()
				require.NoError(t, err)
				before := time.Now()
				answered(t, good)
				require.Zero(t, time.Since(before))
				require.NoError(t, good.Close())
				for range 200 {
					require.InDelta(t, ReadHeaderTimeout, <-ended, float64(time.Second)) // seen at the next drop
				}
			})
		})
	}
}

// A connection that is kept alive without a request has a minute.
func TestIdleConnections(t *testing.T) {
	doorstep(t, unwrapped, func(t *testing.T, ln *enginetest.Listener) {
		t.Helper()
		c, err := ln.Dial()
		require.NoError(t, err)
		answered(t, c)
		require.InDelta(t, IdleTimeout, endsAfter(t, c, ""), float64(time.Second))
	})
}

// A header that is too large is refused before it is whole.
func TestLargeHeaders(t *testing.T) {
	doorstep(t, unwrapped, func(t *testing.T, ln *enginetest.Listener) {
		t.Helper()
		c, err := ln.DialSize(1 << 20)
		require.NoError(t, err)
		_, err = c.Write(append([]byte("GET / HTTP/1.1\r\nHost: x\r\nX: "), make([]byte, MaxHeaderBytes+(8<<10))...))
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
		require.NoError(t, c.Close())
	})
}

// certificate writes a key pair for localhost.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return cert, key
}

// Who does not get on with a TLS handshake has the same five seconds.
func TestSlowTLSHandshake(t *testing.T) {
	pair, err := tls.LoadX509KeyPair(certificate(t))
	require.NoError(t, err)
	secure := func(ln net.Listener) net.Listener {
		return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	doorstep(t, secure, func(t *testing.T, ln *enginetest.Listener) {
		t.Helper()
		for _, start := range []string{"", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"} { // a ClientHello of 508 bytes
			c, err := ln.Dial()
			require.NoError(t, err)
			_, err = io.WriteString(c, start)
			require.NoError(t, err)
			drip := "\x03"
			if start == "" {
				drip = ""
			}
			require.InDelta(t, ReadHeaderTimeout, endsAfter(t, c, drip), float64(time.Second))
		}
	})
}

// TLS is 1.2 or later and speaks HTTP/1.1 alone: over h2 no WebSocket could be
// taken over.
func TestTLSVersionsAndProtocols(t *testing.T) {
	cert, key := certificate(t)
	ln, err := New(Config{Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key}).listen()
	require.NoError(t, err)
	hs := newHTTP(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- hs.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, hs.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	for name, tc := range map[string]struct {
		conf    *tls.Config
		refused string
	}{
		"h2 or less": {&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, ""},
		"h2 alone":   {&tls.Config{NextProtos: []string{"h2"}}, "no application protocol"},
		"TLS 1.2":    {&tls.Config{NextProtos: []string{"http/1.1"}, MaxVersion: tls.VersionTLS12}, ""},
		"TLS 1.1":    {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version"},
	} {
		tc.conf.InsecureSkipVerify = true
		c, err := tls.Dial("tcp", ln.Addr().String(), tc.conf)
		if tc.refused != "" {
			require.ErrorContains(t, err, tc.refused, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, "http/1.1", c.ConnectionState().NegotiatedProtocol, name)
		require.NoError(t, c.Close())
	}
}
