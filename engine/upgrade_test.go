package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

func candidate(t *testing.T, p *poller) *enginetest.WS {
	t.Helper()
	w, err := enginetest.DialWS(p.f.addr, wsURI+"&sid="+p.sid)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	require.NoError(t, w.SetDeadline(time.Now().Add(testPatience)))
	return w
}

func probed(t *testing.T, p *poller) *enginetest.WS {
	t.Helper()
	w := candidate(t, p)
	say(t, w, "2probe", "3probe")
	return w
}

func upgrade(t *testing.T, p *poller) *enginetest.WS {
	t.Helper()
	w := probed(t, p)
	require.NoError(t, w.Send("5"))
	require.Eventually(t, func() bool { return p.conn.Transport() == "websocket" }, testPatience, testPause)
	return w
}

func TestUpgrade(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	w := probed(t, p)
	require.Equal(t, "6", (<-ch).body)
	for range 3 { // each arriving GET, not the first only
		require.Equal(t, "6", p.get(t).body)
	}
	require.Equal(t, "polling", p.conn.Transport())
	require.NoError(t, p.conn.Send([]byte("between"), false))
	require.NoError(t, p.conn.SendAll([]engine.Message{{Data: []byte("head")}, {Data: []byte{7}, Binary: true}}))
	require.False(t, p.conn.SendLatest([]byte("never"), false))
	require.Equal(t, "6", p.get(t).body)
	require.Equal(t, "ok", p.post(t, "4by post").body)
	require.NoError(t, w.Send("5"))
	require.NoError(t, w.Send("4by ws"))
	for _, want := range []string{"4between", "4head", "\x07", "4by post", "4by ws"} {
		got, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, []string{"t:by post", "t:by ws"}, p.messages())
	require.Equal(t, errBody("3", "Bad request"), p.get(t).body)
	require.Equal(t, errBody("3", "Bad request"), p.post(t, "4x").body)
	st := f.Stats()
	require.EqualValues(t, 1, st.Upgrades)
	require.EqualValues(t, 1, st.WebSocket)
	require.Zero(t, st.Polling)
	require.Zero(t, st.OutboxBytes)
}

// The 5 and the next GET travel on two connections, and the GET may be faster.
func TestGetThatOvertakesTheUpgrade(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		w := b.candidate(t, p)
		say(t, w, "2probe", "3probe")
		go func() {
			time.Sleep(5 * time.Millisecond)
			_ = w.Send("5")
		}()
		require.Equal(t, errBody("3", "Bad request"), p.get(t).body)
	})
}

// A GET on hold becomes an ordinary one if the upgrade fails meanwhile.
func TestGetOnHoldSurvivesAFailedUpgrade(t *testing.T) {
	bubbled(t, engine.Config{UpgradeTimeout: time.Second}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		w := b.candidate(t, p)
		say(t, w, "2probe", "3probe")
		time.Sleep(995 * time.Millisecond)
		start := time.Now()
		go func() {
			time.Sleep(time.Minute / 6)
			_ = p.conn.Send([]byte("later"), false)
		}()
		require.Equal(t, "4later", p.get(t).body)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestSecondCandidateIsClosed(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	w := probed(t, p)
	closeCode(t, candidate(t, p)) // while upgrading
	require.NoError(t, w.Send("5"))
	say(t, w, "4x", "4x")
	closeCode(t, candidate(t, p)) // after it
	say(t, w, "4y", "4y")
	require.Equal(t, 2, f.refusals("upgrade", "second_candidate"))
	direct, s := f.ws(t) // and on a session that never polled
	p.sid = s.conn.ID()
	closeCode(t, candidate(t, p))
	say(t, direct, "4z", "4z")
}

func TestUpgradeMisuse(t *testing.T) {
	for name, says := range map[string][]string{
		"upgrade without probe": {"5"},
		"message first":         {"4x"},
		"ping":                  {"2"},
		"wrong probe":           {"2Probe"},
		"two probes":            {"2probe", "2probe"},
		"message before 5":      {"2probe", "4x"},
		"close packet":          {"2probe", "1"},
		"empty":                 {""},
		"binary":                {"\x00"},
		"hostile frame":         {"\x01"},
		"vanishes":              {"2probe", "\x02"},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, engine.Config{})
			p := f.poll(t)
			w := candidate(t, p)
			for _, s := range says {
				switch s {
				case "\x00":
					require.NoError(t, w.SendBinary([]byte("2probe")))
				case "\x01":
					_, err := w.Write([]byte{0xFF, 0xFF})
					require.NoError(t, err)
				case "\x02":
					w.Close()
				default:
					require.NoError(t, w.Send(s))
				}
			}
			if name != "vanishes" {
				closeCode(t, w)
			}
			require.Eventually(t, func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				for refusal := range f.refused {
					if strings.HasPrefix(refusal, "upgrade/") {
						return true
					}
				}
				return false
			}, testPatience, testPause)
			// Polling goes on, and nothing was lost. The candidate is forgotten a
			// moment later; until then GETs are empty.
			require.NoError(t, p.conn.Send([]byte("still"), false))
			require.Eventually(t, func() bool { return p.get(t).body == "4still" }, testPatience, testPause)
			require.Empty(t, p.messages())
			require.Equal(t, "polling", p.conn.Transport())
			// And the next candidate is welcome.
			say(t, upgrade(t, p), "4x", "4x")
		})
	}
}

func TestUpgradeOfAnEndedSession(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	p.post(t, "1")
	_, err := enginetest.DialWS(f.addr, wsURI+"&sid="+p.sid)
	require.ErrorContains(t, err, "Session ID unknown")
}

func TestSessionDiesDuringProbe(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	w := probed(t, p)
	p.post(t, "1")
	closeCode(t, w)
	require.Equal(t, engine.ReasonClientClose, p.ended(t))
	st := f.Stats() // counted before OnClose
	require.Zero(t, st.Polling+st.WebSocket)
}

func TestNoUpgrade(t *testing.T) {
	f := serve(t, engine.Config{NoUpgrade: true})
	p := f.poll(t)
	_, err := enginetest.DialWS(f.addr, wsURI+"&sid="+p.sid)
	require.ErrorContains(t, err, "Bad request")
}

func TestUpgradeDuringPostIsRefused(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	w := probed(t, p)
	post := rawPost(t, f, p, "4hal", 8)
	require.Eventually(t, func() bool { return f.Stats().Opened == 1 && postHeld(t, p) }, testPatience, testPause)
	require.NoError(t, w.Send("5"))
	closeCode(t, w)
	require.Equal(t, "polling", p.conn.Transport())
	_, err := post.Write([]byte("ffff"))
	require.NoError(t, err)
	require.Equal(t, []string{"t:halffff"}, p.waitFor(t, 1))
}

// postHeld reports whether the server is inside a POST of p: it looks at the
// bytes read, because a second POST would end the session.
func postHeld(t *testing.T, p *poller) bool {
	t.Helper()
	return engine.Posting(p.conn)
}

func TestUpgradeUnderTraffic(t *testing.T) {
	f := serve(t, engine.Config{})
	const rounds = 200
	errs := make(chan error)
	for lane := range 4 {
		go func() {
			for i := range rounds / 4 {
				if err := upgradeRound(f, lane*1000+i); err != nil {
					errs <- fmt.Errorf("round %d of %d: %w", i, lane, err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
	require.EqualValues(t, rounds, f.Stats().Upgrades)
}

// upgradeRound opens a polling session whose both sides send numbered messages
// before, during and after the upgrade, and checks both sequences.
func upgradeRound(f *fixture, seed int) error {
	const before, during, after = 20, 20, 20
	const total = before + during + after
	up := newTraffic(f, total)
	if err := up.start(); err != nil {
		return err
	}
	defer up.ws().Close()
	polled := make(chan error, 1)
	go func() { polled <- up.pollUntilNoop() }()
	for i := range before {
		if err := up.post(i); err != nil {
			return err
		}
	}
	if err := up.probe(); err != nil {
		return err
	}
	for i := before; i < before+during; i++ {
		if err := up.post(i); err != nil {
			return err
		}
	}
	if err := <-polled; err != nil {
		return err
	}
	if seed%3 == 0 { // a client that polls once more, as seen on iOS
		a, err := f.try(up.ctx, "GET", up.query(), "")
		if err != nil || a.body != "6" {
			return fmt.Errorf("late GET: %q, %w", a.body, err)
		}
	}
	if err := up.ws().Send("5"); err != nil {
		return err
	}
	for i := before + during; i < total; i++ {
		if err := up.ws().Send(fmt.Sprintf("4%d", i)); err != nil {
			return err
		}
	}
	for up.down < total {
		m, err := up.ws().ReadText()
		if err == nil {
			err = up.seen(m)
		}
		if err != nil {
			return err
		}
	}
	got := up.session.messages()
	for len(got) < total {
		select {
		case <-up.session.news:
		case <-time.After(testPatience):
			return errors.New("messages are missing")
		}
		got = up.session.messages()
	}
	for i, m := range got {
		if m != fmt.Sprintf("t:%d", i) {
			return fmt.Errorf("message %d is %q", i, m)
		}
	}
	if len(got) != total {
		return fmt.Errorf("%d messages", len(got))
	}
	return nil
}

func TestUpgradeTimeoutOnTheWire(t *testing.T) {
	f := serve(t, engine.Config{UpgradeTimeout: 50 * time.Millisecond})
	p := f.poll(t)
	w := probed(t, p)
	closeCode(t, w)
	require.NoError(t, p.conn.Send([]byte("on"), false))
	require.Equal(t, "4on", strings.TrimPrefix(p.get(t).body, "6"))
}
