package client

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/sio"
)

// FuzzReceive feeds a Client what a server might send: nothing may panic, and
// its state must stay whole.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(`0/match,{"sid":"x"}`), []byte(nil), false)
	f.Add([]byte(`4/match,{"message":"m","data":{"code":"c"}}`), []byte(nil), false)
	f.Add([]byte(`1/match,`), []byte(`2/match,["x"]`), false)
	f.Add([]byte(`51-/match,["x",{"_placeholder":true,"num":0}]`), []byte{1, 2}, false)
	f.Add([]byte(`3/match,0["x"]`), []byte(`3/match,1[]`), false)
	f.Add([]byte("\x83\xa4type\x00\xa4data\x81\xa3sid\xa1x\xa3nsp\xa6/match"), []byte{0xc1}, true)
	f.Add([]byte("\x83\xa4type\x04\xa4data\x82\xa7message\xa1m\xa4data\xd4\x00\x00\xa3nsp\xa6/match"), []byte{}, true)
	f.Fuzz(func(t *testing.T, first, second []byte, mp bool) {
		c := New("http://x", Options{Msgpack: mp})
		s := c.Socket("/match")
		n := newSession(c)
		c.session = n
		s.active, s.joined = true, true
		c.Socket("/other").active = true // or the session would be closed, and there is none
		s.OnAny(func(string, sio.Args) {})
		s.OnRaw("raw", func(e *sio.Event) { _ = e.Arg(0) })
		n.OnMessage(first, mp)
		// Attachments are binary, packets of the default parser are not.
		n.OnMessage(second, mp || n.dec.Owed() > 0)
		c.mu.Lock()
		c.session = nil // it has no connection to close
		connected, active := s.connected, s.active
		c.mu.Unlock()
		if connected && !active {
			t.Fatal("connected and not wanted")
		}
		require.NoError(t, c.Close())
		<-c.Done()
	})
}
