package server

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	engine "gameserver/engine/client"
	"gameserver/game"
	"gameserver/lobby"
	"gameserver/sio"
	"gameserver/sio/client"
)

type result struct {
	Match  string `json:"match"`
	Reason string `json:"reason"`
	Result struct {
		Why   string `json:"why"`
		Boats int    `json:"boats"`
	} `json:"result"`
}

// TestWholeWay goes from the lobby through a match and back, with both parsers
// and all transports.
func TestWholeWay(t *testing.T) {
	for name, o := range map[string]client.Options{
		"json upgrade":      {},
		"json polling":      {Transport: engine.Polling},
		"msgpack websocket": {Transport: engine.WebSocket, Msgpack: true},
		"msgpack upgrade":   {Msgpack: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, Config{}, duo())
			a, b := h.arrive("ann", o), h.arrive("bob", client.Options{Transport: engine.WebSocket})
			hello := a.enter()
			require.Equal(t, "ann", hello.Player.Name)
			require.Equal(t, 1, hello.V)
			require.Nil(t, hello.Active)
			a.queue()
			state := decode[lobby.QueueState](t, a.await(a.inLobby, "queue:state"))
			require.Equal(t, "searching", state.State)
			b.enter()
			b.queue()
			f := a.found()
			require.Equal(t, "pond", f.Game)
			require.Equal(t, []string{"ann", "bob"}, []string{f.Players[0].Name, f.Players[1].Name})
			b.found()

			wa, wb := a.sit(), b.sit()
			require.Equal(t, f.Match, wa.Match)
			require.Equal(t, 800, wa.World.Width)
			require.NotEqual(t, wa.You, wb.You)

			at := a.sees(wa.You, func(x float64) bool { return x == 0 })
			a.row(at+1, 5)
			moved := func(x float64) bool { return x >= 5 }
			a.sees(wa.You, moved)
			b.sees(wa.You, moved)

			var echo requestReply
			require.NoError(t, a.match.Call(a.ctx(), "request", map[string]any{"ev": "echo", "data": "ahoy"}, &echo))
			require.Equal(t, "ahoy", echo.Data)
			b.await(b.inMatch, "event")

			require.NoError(t, b.match.Call(b.ctx(), "request", map[string]any{"ev": "end"}, nil))
			for _, s := range []*sailor{a, b} {
				r := decode[result](t, s.await(s.inMatch, "result"))
				require.Equal(t, f.Match, r.Match)
				require.Equal(t, "ended", r.Reason)
				require.Equal(t, 2, r.Result.Boats)
				s.await(s.inMatch, "disconnect: "+client.ReasonServer)
			}
			require.True(t, a.lobby.Connected(), "the lobby stays")
			a.queue() // and the next match may come
		})
	}
}

// TestResume loses a connection and takes the seat back: with the first token,
// as a stock client does, with the resume token, and with the one the lobby
// offers to a client that lost both.
func TestResume(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{Msgpack: true}), h.arrive("bob", client.Options{})
	wa := h.pair(a, b)
	at := a.sees(wa.You, func(float64) bool { return true })
	a.row(at+1, 7)
	a.sees(wa.You, func(x float64) bool { return x >= 7 })

	drop := func(token string) welcome {
		a.token = token
		a.c.Drop()
		return decode[welcome](t, a.await(a.inMatch, "welcome"))
	}
	w := drop(a.token)
	require.Equal(t, wa.You, w.You, "the same seat")
	a.sees(wa.You, func(x float64) bool { return x >= 7 })
	w = drop(w.Resume)
	at = a.sees(wa.You, func(x float64) bool { return x >= 7 })

	a.row(at+1, 1)
	a.sees(wa.You, func(x float64) bool { return x >= 8 })

	a.leave()
	again := h.arrive("ann", client.Options{})
	again.session = a.session
	hello := again.enter()
	require.NotNil(t, hello.Active)
	require.NotNil(t, hello.Active.Match)
	require.Equal(t, w.Match, hello.Active.Match.Match)
	f := again.found()
	require.Equal(t, w.Match, f.Match)
	require.Equal(t, wa.You, again.sit().You)
	again.sees(wa.You, func(x float64) bool { return x >= 8 })
}

func TestFirstTokenIsVoidOnceResumeWasUsed(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{})
	wa := h.pair(a, b)
	first := a.token
	a.token = wa.Resume
	a.c.Drop()
	a.await(a.inMatch, "welcome")
	at := a.sees(wa.You, func(float64) bool { return true })
	a.row(at+1, 3)
	a.sees(wa.You, func(x float64) bool { return x >= 3 })

	thief := h.arrive("thief", client.Options{})
	thief.token = first
	require.Equal(t, "seat_gone", refusedCode(t, thief.match.Connect(thief.ctx())))
	require.True(t, a.match.Connected())
}

func TestNewestConnectionWins(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{})
	wa := h.pair(a, b)
	twin := h.arrive("ann", client.Options{Msgpack: true})
	twin.token = a.token
	require.Equal(t, wa.You, twin.sit().You)
	a.await(a.inMatch, "disconnect: "+client.ReasonServer)
	require.True(t, a.lobby.Connected(), "its lobby is not touched")
	at := twin.sees(wa.You, func(float64) bool { return true })
	twin.row(at+1, 4)
	b.sees(wa.You, func(x float64) bool { return x >= 4 })
}

// refusedCode returns the code of a CONNECT_ERROR or of a negative ack.
func refusedCode(t *testing.T, err error) string {
	t.Helper()
	var e *sio.Error
	require.ErrorAs(t, err, &e)
	return e.Code
}

func TestBadSeatTokens(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{})
	for _, s := range []*sailor{a, b} {
		s.enter()
		s.queue()
	}
	f := a.found()
	b.found()
	keys := h.lobby.Keys()
	tok, err := keys.Open(f.Seat.Token, time.Now(), lobby.KindOpen)
	require.NoError(t, err)
	seal := func(change func(*lobby.Token)) string {
		c := tok
		change(&c)
		return keys.Seal(c)
	}
	foreign, err := lobby.NewKeys(nil)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		token any
		code  string
	}{
		"none":                  {nil, "auth_failed"},
		"empty":                 {"", "auth_failed"},
		"not a string":          {7, "auth_failed"},
		"forged":                {foreign.Seal(tok), "auth_failed"},
		"cut":                   {f.Seat.Token[:20], "auth_failed"},
		"a session":             {a.session, "auth_failed"},
		"expired":               {seal(func(t *lobby.Token) { t.Expires = time.Now().Add(-time.Second) }), "expired"},
		"other match":           {seal(func(t *lobby.Token) { t.Match = "mother" }), "not_found"},
		"no such seat":          {seal(func(t *lobby.Token) { t.Seat = 2 }), "auth_failed"},
		"resume of later epoch": {seal(func(t *lobby.Token) { t.Kind, t.Epoch = lobby.KindResume, 9 }), "seat_gone"},
	} {
		t.Run(name, func(t *testing.T) {
			o := client.Options{Auth: func(string) any { return map[string]any{"seat": c.token} }}
			cl := client.New(h.url, o)
			defer func() { _ = cl.Close(); <-cl.Done() }()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			require.Equal(t, c.code, refusedCode(t, cl.Socket(lobby.MatchNamespace).Connect(ctx)))
		})
	}
	require.NotZero(t, a.sit().You, "the seat was not touched by any of it")
}

func TestResultIsToldToWhoComesBackLate(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{})
	wa := h.pair(a, b)
	a.leave()
	require.NoError(t, b.match.Call(b.ctx(), "request", map[string]any{"ev": "end"}, nil))
	want := decode[result](t, b.await(b.inMatch, "result"))
	b.await(b.inMatch, "disconnect: "+client.ReasonServer)

	for _, token := range []string{a.token, wa.Resume} {
		late := h.arrive("ann", client.Options{Msgpack: true})
		late.session, late.token = a.session, token
		require.Nil(t, late.enter().Active)
		require.NoError(t, late.match.Connect(late.ctx()))
		require.Equal(t, want, decode[result](t, late.await(late.inMatch, "result")))
		late.await(late.inMatch, "disconnect: "+client.ReasonServer)
	}
}

func TestResultsAreBounded(t *testing.T) {
	var r results
	now := time.Unix(0, 0)
	for i := range MaxResults {
		r.add(&finalResult{Match: strconv.Itoa(i)}, now)
	}
	require.NotNil(t, r.find("0", now.Add(ResultTTL-1)))
	require.Nil(t, r.find("0", now.Add(ResultTTL)))
	r.add(&finalResult{Match: "one more"}, now)
	require.Nil(t, r.find("0", now))
	require.NotNil(t, r.find("1", now))
	require.Len(t, r.byID, MaxResults)
	r.add(&finalResult{Match: "later"}, now.Add(ResultTTL))
	require.Len(t, r.byID, 1)
	require.Len(t, r.order, 1)
}

func TestLeaveFreesThePlayer(t *testing.T) {
	h := open(t, Config{}, game.Rules{Players: game.Between(2, 2)})
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{})
	h.pair(a, b)
	require.Equal(t, "already_in_match", refusedCode(t,
		a.lobby.Call(a.ctx(), "queue:join", map[string]any{"queue": "pond"}, nil)))
	require.Equal(t, "too_late", refusedCode(t, a.lobby.Call(a.ctx(), "queue:leave", map[string]any{}, nil)))
	require.NoError(t, a.match.Call(a.ctx(), "leave", map[string]any{}, nil))
	a.await(a.inMatch, "disconnect: "+client.ReasonServer)
	a.queue()
	twin := h.arrive("ann", client.Options{})
	twin.token = a.token
	require.Equal(t, "seat_gone", refusedCode(t, twin.match.Connect(twin.ctx())))
}

// TestPanicEndsOneMatch sinks one match while another goes on.
func TestPanicEndsOneMatch(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	c, d := h.arrive("cid", client.Options{}), h.arrive("dan", client.Options{})
	wa := h.pair(a, b)
	wc := h.pair(c, d)
	at := a.sees(wa.You, func(float64) bool { return true })
	require.NoError(t, a.match.Emit("input", map[string]any{"s": at + 1, "k": at, "v": map[string]any{"crash": true}}))
	for _, s := range []*sailor{a, b} {
		f := decode[lobby.Failed](t, s.await(s.inLobby, "match:failed"))
		require.Equal(t, wa.Match, f.Match)
		require.NotEmpty(t, f.Ref)
		require.True(t, f.Requeued)
	}
	require.NotEqual(t, wa.Match, a.found().Match, "they meet again")
	require.NotEmpty(t, b.found().Match)

	at = c.sees(wc.You, func(float64) bool { return true })
	c.row(at+1, 6)
	d.sees(wc.You, func(x float64) bool { return x >= 6 })
}

// TestDrain ends matches with a result, then the connections, then Serve.
func TestDrain(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b, c := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true}), h.arrive("cid", client.Options{})
	wa := h.pair(a, b)
	a.sees(wa.You, func(float64) bool { return true })
	c.enter()
	c.queue()
	h.close()
	for _, s := range []*sailor{a, b} {
		s.await(s.inLobby, "server:drain")
		r := decode[result](t, s.await(s.inMatch, "result"))
		require.Equal(t, "server_drain", r.Reason)
	}
	for {
		if s := decode[lobby.QueueState](t, c.await(c.inLobby, "queue:state")); s.State == "cancelled" {
			break
		}
	}
	require.False(t, h.ready.Load())
}

func TestRequests(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	h.pair(a, b)
	for _, s := range []*sailor{a, b} {
		for name, c := range map[string]struct {
			arg  any
			code string
		}{
			"unknown":       {map[string]any{"ev": "dance"}, "not_found"},
			"inside stays":  {map[string]any{"ev": "secret"}, "internal"},
			"bad data":      {map[string]any{"ev": "echo", "data": 7}, "bad_payload"},
			"no name":       {map[string]any{"data": 7}, "bad_payload"},
			"other key":     {map[string]any{"ev": "echo", "what": 7}, "bad_payload"},
			"not an object": {"echo", "bad_payload"},
			"nothing":       {nil, "bad_payload"},
		} {
			err := s.match.Call(s.ctx(), "request", c.arg, nil)
			require.Equal(t, c.code, refusedCode(t, err), name)
			require.NotContains(t, err.Error(), "1234")
		}
	}
}

func TestLobbySocketsOfOnePlayer(t *testing.T) {
	h := open(t, Config{}, duo())
	first := h.arrive("ann", client.Options{})
	hello := first.enter()
	for range MaxPlayerSockets - 1 {
		s := h.arrive("ann", client.Options{})
		s.session = first.session
		require.Equal(t, hello.Player.ID, s.enter().Player.ID)
	}
	require.True(t, first.lobby.Connected(), "at the bound")
	s := h.arrive("ann", client.Options{})
	s.session = first.session
	s.enter()
	first.await(first.inLobby, "disconnect: "+client.ReasonServer)
}

func TestForeignSessionIsANewPlayer(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("  \u202e Bob \n the\tBuilder of very long names", client.Options{})
	ha := a.enter()
	b.session = a.session[:len(a.session)-2] + "AA"
	hb := b.enter()
	require.NotEqual(t, ha.Player.ID, hb.Player.ID)
	require.Equal(t, "Bob the Builder of very", hb.Player.Name)
	c := h.arrive("", client.Options{})
	require.Contains(t, c.enter().Player.Name, "guest-")
}
