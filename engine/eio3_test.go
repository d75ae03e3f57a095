package engine_test

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

const (
	pollQuery3 = "EIO=3&transport=polling"
	wsURI3     = "/engine.io/?EIO=3&transport=websocket"
)

// poll3 opens a polling session of v3.
func (f *fixture) poll3(t *testing.T, more string) *poller {
	t.Helper()
	a := f.do(t, "GET", pollQuery3+more, "")
	require.Equal(t, 200, a.status, a.body)
	require.Equal(t, "text/plain; charset=UTF-8", a.ctype)
	length, packet, _ := strings.Cut(a.body, ":")
	n, err := strconv.Atoi(length)
	require.NoError(t, err)
	o, err := enginetest.ParseOpen(packet[:n])
	require.NoError(t, err)
	return &poller{f: f, sid: o.SID, open: o, rest: packet[n:], session: <-f.open}
}

func (p *poller) do3(t *testing.T, method, body string, headers ...string) answer {
	t.Helper()
	return p.f.do(t, method, pollQuery3+"&sid="+p.sid, body, headers...)
}

func TestEIO3IsOffByDefault(t *testing.T) {
	f := serve(t, engine.Config{})
	require.Equal(t, errBody("5", "Unsupported protocol version"), f.do(t, "GET", pollQuery3, "").body)
	_, err := enginetest.DialWS(f.addr, wsURI3)
	require.ErrorContains(t, err, "Unsupported protocol version")
}

func TestUnknownRevisionMeans3(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	for _, q := range []string{"EIO=3&", "EIO=2&", "EIO=abc&", "EIO=04&", "EIO=&", ""} {
		a := f.do(t, "GET", q+"transport=polling", "")
		require.Equal(t, 200, a.status)
		require.Contains(t, a.body, ":0{")
		require.Equal(t, 3, (<-f.open).conn.Protocol(), q)
	}
	f.poll(t)
	w, s := f.ws(t)
	require.Equal(t, 4, s.conn.Protocol())
	say(t, w, "4x", "4x")
}

// A session keeps the revision it was opened with.
func TestRevisionMismatch(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	p3, p4 := f.poll3(t, ""), f.poll(t)
	bad := errBody("3", "Bad request")
	require.Equal(t, bad, f.do(t, "GET", pollQuery+"&sid="+p3.sid, "").body)
	require.Equal(t, bad, f.do(t, "POST", pollQuery+"&sid="+p3.sid, "4x").body)
	require.Equal(t, bad, f.do(t, "GET", pollQuery3+"&sid="+p4.sid, "").body)
	require.Equal(t, bad, f.do(t, "GET", "transport=polling&sid="+p4.sid, "").body)
	_, err := enginetest.DialWS(f.addr, wsURI+"&sid="+p3.sid)
	require.ErrorContains(t, err, "Bad request")
	_, err = enginetest.DialWS(f.addr, wsURI3+"&sid="+p4.sid)
	require.ErrorContains(t, err, "Bad request")
	require.Equal(t, "ok", p3.do3(t, "POST", "2:4x").body)
	require.Equal(t, "ok", p4.post(t, "4x").body)
}

func TestEIO3Polling(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	for name, tc := range map[string]struct{ b64, post, want, ctype string }{
		"text":             {"&b64=1", "6:4hello2:4€", "6:4hello2:4€", "text/plain; charset=UTF-8"},
		"astral":           {"&b64=1", "3:4😀1:4", "3:4😀1:4", "text/plain; charset=UTF-8"},
		"base64":           {"&b64=1", "2:4a10:b4AQIDBA==", "2:4a10:b4AQIDBA==", "text/plain; charset=UTF-8"},
		"base64, true":     {"&b64=true", "6:b4AQI=", "6:b4AQI=", "text/plain; charset=UTF-8"},
		"binary":           {"", "6:4hello10:b4AQIDBA==", "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04", "application/octet-stream"},
		"b64 of 0 is none": {"&b64=0", "6:b4AQI=", "\x01\x03\xff\x04\x01\x02", "application/octet-stream"},
		"text needs none":  {"", "6:4hello", "6:4hello", "text/plain; charset=UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			p := f.poll3(t, tc.b64)
			a := p.do3(t, "POST", tc.post)
			require.Equal(t, "ok", a.body)
			require.Equal(t, "text/html", a.ctype)
			a = p.do3(t, "GET", "")
			require.Equal(t, tc.want, a.body)
			require.Equal(t, tc.ctype, a.ctype)
		})
	}
}

func TestEIO3BinaryPost(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	p := f.poll3(t, "")
	a := p.do3(t, "POST", "\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04", "Content-Type", "application/octet-stream")
	require.Equal(t, "ok", a.body)
	require.Equal(t, []string{"t:€", "b:\x01\x02\x03\x04"}, p.messages())
}

func TestEIO3PollingViolations(t *testing.T) {
	const octets = "application/octet-stream"
	for name, tc := range map[string]struct {
		body, ctype string
		want        engine.Reason
	}{
		"no length":         {"abc", "", engine.ReasonProtocol},
		"v4 payload":        {"4a\x1e4b", "", engine.ReasonProtocol},
		"empty":             {"", "", engine.ReasonProtocol},
		"too short":         {"9:4a", "", engine.ReasonProtocol},
		"unknown packet":    {"2:7a", "", engine.ReasonProtocol},
		"client pong":       {"1:3", "", engine.ReasonProtocol},
		"text as octets":    {"6:4hello", octets, engine.ReasonProtocol},
		"octets as text":    {"\x00\x06\xff4hello", "", engine.ReasonBadUTF8},
		"bad UTF-8":         {"2:4\xff", "", engine.ReasonBadUTF8},
		"bad UTF-8, octets": {"\x00\x02\xff4\xff", octets, engine.ReasonProtocol},
		"binary of no type": {"\x01\x01\xff\x02", octets, engine.ReasonProtocol},
		"endless digits":    {"\x01" + strings.Repeat("\x01", 5000), octets, engine.ReasonProtocol},
		"1025 packets":      {strings.Repeat("1:4", 1025), "", engine.ReasonFlood},
		"1025, octets":      {strings.Repeat("\x00\x01\xff4", 1025), octets, engine.ReasonFlood},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, engine.Config{AllowEIO3: true})
			p := f.poll3(t, "")
			require.Equal(t, 400, p.do3(t, "POST", tc.body, "Content-Type", tc.ctype).status)
			require.Equal(t, tc.want, p.ended(t))
			require.Equal(t, 400, p.do3(t, "GET", "").status)
		})
	}
	f := serve(t, engine.Config{AllowEIO3: true})
	p := f.poll3(t, "")
	require.Equal(t, 200, p.do3(t, "POST", strings.Repeat("1:4", 1024)).status)
	require.Len(t, p.messages(), 1024)
}

func TestEIO3WebSocket(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	for b64, want := range map[string]string{"": "\x04\x01\x02", "&b64=1": "b4AQI="} {
		w, err := enginetest.DialWS(f.addr, wsURI3+b64)
		require.NoError(t, err)
		defer w.Close()
		require.NoError(t, w.SetDeadline(time.Now().Add(testPatience)))
		o, err := w.ReadOpen()
		require.NoError(t, err)
		require.Empty(t, o.Upgrades)
		s := <-f.open
		require.Equal(t, 3, s.conn.Protocol())
		say(t, w, "4hello", "4hello")
		say(t, w, "2", "3")
		say(t, w, "b4AQI=", want) // either spelling is understood
		require.NoError(t, w.SendBinary([]byte{4, 1, 2}))
		got, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.True(t, s.conn.SendLatest([]byte{1, 2}, true))
		require.NoError(t, s.conn.SendAll([]engine.Message{{Data: []byte("a")}, {Data: []byte{1, 2}, Binary: true}}))
		for _, m := range []string{want, "4a", want} {
			got, err = w.ReadText()
			require.NoError(t, err)
			require.Equal(t, m, got)
		}
		require.Equal(t, []string{"t:hello", "b:\x01\x02", "b:\x01\x02"}, s.messages())
	}
}

func TestEIO3WebSocketViolations(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	for name, frame := range map[string][]byte{
		"unknown packet": enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("abc")),
		"empty":          enginetest.Frame(enginetest.Fin|enginetest.OpText, nil),
		"empty binary":   enginetest.Frame(enginetest.Fin|enginetest.OpBinary, nil),
		"v4 binary":      enginetest.Frame(enginetest.Fin|enginetest.OpBinary, []byte{1, 2}),
		"pong":           enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("3")),
		"bad base64":     enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("b4A")),
		"base64, no 4":   enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("bAQI=")),
	} {
		t.Run(name, func(t *testing.T) {
			w, err := enginetest.DialWS(f.addr, wsURI3)
			require.NoError(t, err)
			defer w.Close()
			require.NoError(t, w.SetDeadline(time.Now().Add(testPatience)))
			_, err = w.Write(frame)
			require.NoError(t, err)
			require.Equal(t, 1002, closeCode(t, w).Code)
			require.Equal(t, engine.ReasonProtocol, (<-f.open).ended(t))
		})
	}
}

func TestEIO3Upgrade(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	p := f.poll3(t, "&b64=1")
	w, err := enginetest.DialWS(f.addr, wsURI3+"&sid="+p.sid) // this transport reads binary
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.SetDeadline(time.Now().Add(testPatience)))
	say(t, w, "2probe", "3probe")
	require.Equal(t, "1:6", p.do3(t, "GET", "").body)
	require.NoError(t, p.conn.Send([]byte{7}, true))
	require.NoError(t, p.conn.Send([]byte("t"), false))
	require.NoError(t, w.Send("5"))
	for _, want := range []string{"\x04\x07", "4t"} {
		got, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	say(t, w, "4x", "4x")
	say(t, w, "2", "3")
	require.Equal(t, 400, p.do3(t, "GET", "").status)
}

func TestEIO3Close(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	p := f.poll3(t, "")
	require.NoError(t, p.conn.Send([]byte("last"), false))
	p.conn.Close(engine.ReasonForced)
	require.Equal(t, "5:4last", p.do3(t, "GET", "").body)
	require.Equal(t, "1:1", p.do3(t, "GET", "").body)
	require.Equal(t, 400, p.do3(t, "GET", "").status)

	p = f.poll3(t, "")
	require.Equal(t, "ok", p.do3(t, "POST", "1:1").body)
	require.Equal(t, "1:6", p.do3(t, "GET", "").body)
	require.Equal(t, 400, p.do3(t, "GET", "").status)
	require.Equal(t, engine.ReasonClientClose, p.ended(t))
}

func TestEIO3JSONP(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true, InitialPacket: &engine.Message{Data: []byte{1, 2}, Binary: true}})
	a := f.do(t, "GET", pollQuery3+"&j=0", "")
	s := <-f.open
	script, found := strings.CutPrefix(a.body, "___eio[0](")
	require.True(t, found, a.body)
	var payload string
	require.NoError(t, json.Unmarshal([]byte(strings.TrimSuffix(script, ");")), &payload))
	require.True(t, strings.HasSuffix(payload, "}6:b4AQI="), payload) // never binary
	sid := "&sid=" + s.conn.ID()
	a = f.do(t, "POST", pollQuery3+"&j=1"+sid, url.Values{"d": {`3:4\n€`}}.Encode())
	require.Equal(t, "ok", a.body)
	a = f.do(t, "GET", pollQuery3+"&j=2"+sid, "")
	require.Equal(t, `___eio[2]("3:4\n€");`, a.body)
}

// In v3 the client pings; whatever it says shows that it is there.
func TestEIO3Heartbeat(t *testing.T) {
	cfg := engine.Config{AllowEIO3: true, PingInterval: 3 * time.Second, PingTimeout: 2 * time.Second}
	bubbled(t, cfg, func(b *bubble) {
		c, err := b.ln.Dial()
		require.NoError(b.t, err)
		w, err := enginetest.Upgrade(c, wsURI3)
		require.NoError(b.t, err)
		defer w.Close()
		_, err = w.ReadOpen()
		require.NoError(b.t, err)
		s := <-b.open
		start := time.Now()
		for _, packet := range []string{"2", "4x", "6"} {
			time.Sleep(4999 * time.Millisecond)
			require.NoError(b.t, w.Send(packet))
			synctest.Wait()
			s.goesOn(b.t)
		}
		endsAfter(b.t, s, start, 3*4999*time.Millisecond+5*time.Second, engine.ReasonNoPong)
		for _, want := range []string{"3", "4x"} { // and no ping of ours
			got, err := w.ReadText()
			require.NoError(b.t, err)
			require.Equal(b.t, want, got)
		}
		require.Equal(b.t, 4011, closeCode(b.t, w).Code)
	})
	bubbled(t, cfg, func(b *bubble) {
		p := b.poll3(b.t, "")
		start := time.Now()
		for range 3 {
			time.Sleep(4 * time.Second)
			require.Equal(b.t, 200, p.do3(b.t, "POST", "1:2").status)
			require.Equal(b.t, "1:3", p.do3(b.t, "GET", "").body)
		}
		endsAfter(b.t, p.session, start, 17*time.Second, engine.ReasonNoPong)
		require.Equal(b.t, 400, p.do3(b.t, "POST", "1:2").status)
	})
}

func TestEIO3HeartbeatIsHeldDuringAnUpgrade(t *testing.T) {
	cfg := engine.Config{AllowEIO3: true, PingInterval: 3 * time.Second, PingTimeout: 2 * time.Second}
	bubbled(t, cfg, func(b *bubble) {
		p := b.poll3(b.t, "")
		c, err := b.ln.Dial()
		require.NoError(b.t, err)
		w, err := enginetest.Upgrade(c, wsURI3+"&sid="+p.sid)
		require.NoError(b.t, err)
		defer w.Close()
		time.Sleep(4 * time.Second)
		say(b.t, w, "2probe", "3probe")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		p.goesOn(b.t)
		require.NoError(b.t, w.Send("5"))
		endsAfter(b.t, p.session, time.Now(), 5*time.Second, engine.ReasonNoPong)
	})
}

// The client decides how many pongs there are, so they are bounded like messages.
func TestEIO3PingFlood(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true, OutboxBytes: 49 * 64 * 2})
	p := f.poll3(t, "")
	for range 2 {
		require.Equal(t, 200, p.do3(t, "POST", strings.Repeat("1:2", 64)).status)
	}
	p.do3(t, "POST", "1:2")
	require.Equal(t, engine.ReasonSlowConsumer, p.ended(t))
}
