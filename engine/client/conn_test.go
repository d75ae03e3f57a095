package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

func transports() []Transport { return []Transport{Upgrade, Polling, WebSocket} }

func TestEchoKeepsOrder(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.String(), func(t *testing.T) {
			url, _ := serve(t, engine.Config{})
			c, r := dial(t, url, Options{Transport: tr})
			require.NotEmpty(t, c.SID())
			require.Equal(t, 1_000_000, c.MaxPayload())
			const n = 300
			sent := make([]string, n)
			for i := range n {
				body := strconv.Itoa(i) + strings.Repeat("é\n", i%7*100)
				bin := i%3 == 0
				sent[i] = "t:" + body
				if bin {
					sent[i] = "b:" + body
				}
				require.NoError(t, c.Send([]byte(body), bin))
			}
			for i := range n {
				require.Equal(t, sent[i], r.next(t))
			}
			if tr == WebSocket {
				require.Equal(t, "websocket", c.Transport())
			}
			if tr == Polling {
				require.Equal(t, "polling", c.Transport())
			}
		})
	}
}

// TestUpgradeUnderLoad sends without pause until the session has moved, and
// finds every message once and in order.
func TestUpgradeUnderLoad(t *testing.T) {
	url, _ := serve(t, engine.Config{})
	c, r := dial(t, url, Options{})
	sent, got := 0, 0
	for c.Transport() != "websocket" {
		require.NoError(t, c.Send([]byte(strconv.Itoa(sent)), sent%2 == 0))
		sent++
		if sent-got > 100 {
			require.Equal(t, strconv.Itoa(got), r.next(t)[2:])
			got++
		}
	}
	for range 100 {
		require.NoError(t, c.Send([]byte(strconv.Itoa(sent)), false))
		sent++
	}
	for ; got < sent; got++ {
		require.Equal(t, strconv.Itoa(got), r.next(t)[2:])
	}
	require.Equal(t, "websocket", c.Transport())
}

func TestSendAllIsAtomic(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.String(), func(t *testing.T) {
			url, _ := serve(t, engine.Config{})
			c, r := dial(t, url, Options{Transport: tr})
			const senders, each = 4, 50
			var wg sync.WaitGroup
			for i := range senders {
				wg.Go(func() {
					for range each {
						who := []byte(strconv.Itoa(i))
						if err := c.SendAll([]Message{{Data: who}, {Data: who, Binary: true}}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for range senders * each {
				first, second := r.next(t), r.next(t)
				require.Equal(t, "t:"+first[2:], first)
				require.Equal(t, "b:"+first[2:], second)
			}
			wg.Wait()
		})
	}
}

func TestSizes(t *testing.T) {
	url, _ := serve(t, engine.Config{MaxPayload: 100_000})
	for _, tr := range []Transport{Polling, WebSocket} {
		c, r := dial(t, url, Options{Transport: tr})
		for _, n := range []int{0, 1, 124, 125, 126, 65534, 65535, 65536, 70_000} {
			want := strings.Repeat("x", n)
			require.NoError(t, c.Send([]byte(want), false))
			require.Equal(t, "t:"+want, r.next(t))
			require.NoError(t, c.Send([]byte(want), true))
			require.Equal(t, "b:"+want, r.next(t))
		}
		require.NoError(t, c.Send(bytes.Repeat([]byte{'x'}, 99_999), false))
		require.Len(t, r.next(t), 2+99_999)
		require.ErrorIs(t, c.Send(make([]byte, 100_000), false), ErrTooLarge)
		require.ErrorIs(t, c.SendAll([]Message{{Data: make([]byte, 100_000)}}), ErrTooLarge)
	}
}

func TestReceiveBound(t *testing.T) {
	url, _ := serve(t, engine.Config{})
	for _, tr := range []Transport{Polling, WebSocket} {
		c, r := dial(t, url, Options{Transport: tr, MaxPayload: 1000})
		require.NoError(t, c.Send(make([]byte, 1000), true))
		require.Len(t, r.next(t), 1002)
		require.NoError(t, c.Send(make([]byte, 1001), true))
		var ce *CloseError
		require.ErrorAs(t, <-r.closed, &ce)
		require.Equal(t, ReasonParseError, ce.Reason)
		require.ErrorIs(t, ce, errTooLong)
	}
}

func TestClose(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.String()+"/client", func(t *testing.T) {
			url, s := serve(t, engine.Config{})
			c, r := dial(t, url, Options{Transport: tr})
			require.NoError(t, c.Send([]byte("last words"), false))
			require.NoError(t, c.Close())
			require.NoError(t, c.Close())
			<-c.Done()
			var ce *CloseError
			require.ErrorAs(t, <-r.closed, &ce)
			require.Equal(t, &CloseError{Reason: ReasonClientClose}, ce)
			require.Empty(t, r.closed)
			require.ErrorIs(t, c.Send(nil, false), ErrClosed)
			require.ErrorIs(t, c.SendAll(nil), ErrClosed)
			require.Eventually(t, func() bool { return s.Stats().Polling+s.Stats().WebSocket == 0 }, 5*time.Second, time.Millisecond)
		})
		t.Run(tr.String()+"/server", func(t *testing.T) {
			url, _ := serve(t, engine.Config{})
			c, r := dial(t, url, Options{Transport: tr})
			require.NoError(t, c.Send([]byte("close"), false))
			<-c.Done()
			var ce *CloseError
			require.ErrorAs(t, <-r.closed, &ce)
			require.Equal(t, ReasonTransportClose, ce.Reason)
			if tr == WebSocket {
				require.Equal(t, 4009, ce.Code)
			}
		})
		t.Run(tr.String()+"/abort", func(t *testing.T) {
			url, _ := serve(t, engine.Config{})
			c, r := dial(t, url, Options{Transport: tr})
			cause := errors.New("test")
			c.Abort(ReasonTransportError, cause)
			require.ErrorIs(t, <-r.closed, cause)
		})
		t.Run(tr.String()+"/network", func(t *testing.T) {
			url, _ := serve(t, engine.Config{})
			var d counted
			_, r := dial(t, url, Options{Transport: tr, Dial: d.dial})
			var err error
			for err == nil { // the upgrade may still be dialling
				d.cut()
				select {
				case err = <-r.closed:
				case <-time.After(time.Millisecond):
				}
			}
			var ce *CloseError
			require.ErrorAs(t, err, &ce)
			require.Contains(t, []string{ReasonTransportError, ReasonTransportClose}, ce.Reason)
		})
	}
}

func TestRefusals(t *testing.T) {
	url, _ := serve(t, engine.Config{AllowRequest: func(r *http.Request) error {
		if r.Header.Get("X-Key") != "open" {
			return errors.New("no key")
		}
		return nil
	}})
	for _, tr := range transports() {
		_, err := Dial(t.Context(), url, Options{Transport: tr, Handler: newRecorder()})
		var he *HandshakeError
		require.ErrorAs(t, err, &he, tr)
		require.Contains(t, []int{http.StatusForbidden, http.StatusBadRequest}, he.Status)
		dial(t, url, Options{Transport: tr, Header: http.Header{"X-Key": {"open"}}})
	}
	for _, bad := range []string{"ftp://x", "http://", "http://\x7f", "://"} {
		_, err := Dial(t.Context(), bad, Options{Handler: newRecorder()})
		require.Error(t, err, bad)
	}
	_, err := Dial(t.Context(), url, Options{})
	require.ErrorContains(t, err, "no handler")
}

func TestDialHonoursContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // never answers
	require.NoError(t, err)
	defer ln.Close()
	for _, tr := range transports() {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Millisecond, func() { cancel(nil) })
		_, err := Dial(ctx, "http://"+ln.Addr().String(), Options{Transport: tr, Handler: newRecorder()})
		require.ErrorIs(t, err, context.Canceled)
	}
}

// TestUpgradeRefused leaves the session on polling when the WebSocket fails.
func TestUpgradeRefused(t *testing.T) {
	s := engine.New(engine.Config{Open: func(c *engine.Conn) engine.Handler {
		c.Admit()
		return echo{c}
	}})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	refused := make(chan struct{}, 1)
	url := start(t, s, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("transport") == "websocket" {
			http.Error(w, "not today", http.StatusBadRequest)
			refused <- struct{}{}
			return
		}
		s.ServeHTTP(w, r)
	}, ln)
	c, r := dial(t, url, Options{})
	<-refused
	for i := range 50 {
		require.NoError(t, c.Send([]byte(strconv.Itoa(i)), false))
		require.Equal(t, fmt.Sprintf("t:%d", i), r.next(t))
	}
	require.Equal(t, "polling", c.Transport())
}

func TestPollingBufferBound(t *testing.T) {
	c := newConn(nil, Options{MaxBuffered: 100})
	require.NoError(t, c.Send(make([]byte, 100-recordHead), true))
	require.ErrorIs(t, c.Send(nil, true), ErrFull)
	require.ErrorIs(t, c.SendAll([]Message{{}}), ErrFull)
}
