package sio

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

func TestAbuseAnswersOrDropsAboveTheRate(t *testing.T) {
	var refused notes
	cfg := Config{
		Abuse:   Abuse{Messages: Rate{PerSecond: 10, Burst: 4}},
		Refused: func(_, reason string) { refused.add("%s", reason) },
	}
	bubble(t, cfg, func(t bubbleT, s *Server) {
		handled := 0
		s.Of("/").OnConnection(func(s *Socket) { s.OnArgs("e", func(a Args) { handled++; _ = a.Ack() }) })
		p := joined(t, s) // the first of four
		p.sends(`2["e"]`, `2["e"]`, `2["e"]`)
		require.Equal(t, 3, handled)
		p.sends(`2["e"]`, `27["e"]`)
		require.Equal(t, 3, handled)
		p.wants(`37[{"ok":false,"err":{"code":"rate_limited","msg":"Too many requests","retryMs":100}}]`)
		require.Equal(t, []string{"rate_limited", "rate_limited"}, refused.take())
		time.Sleep(100 * time.Millisecond)
		p.sends(`2["e"]`, `2["e"]`)
		require.Equal(t, 4, handled)
		p.open()
		p.leaves()
	})
}

func TestAbuseCountsBytesOfAttachments(t *testing.T) {
	bubble(t, Config{Abuse: Abuse{Bytes: Rate{PerSecond: 1000, Burst: 1000}}}, func(t bubbleT, s *Server) {
		handled := 0
		s.Of("/").OnConnection(func(s *Socket) { s.OnArgs("e", func(Args) { handled++ }) })
		p := joined(t, s)
		send := func() {
			p.sends(`51-["e",` + hold(0) + `]`)
			p.sendsHex(strings.Repeat("00", 900))
		}
		send()
		send() // the attachment is one too many: the whole event is dropped
		require.Equal(t, 1, handled)
		time.Sleep(time.Second)
		send()
		require.Equal(t, 2, handled)
		p.open()
		p.leaves()
	})
}

func TestAbuseClasses(t *testing.T) {
	cfg := Config{Abuse: Abuse{Classes: []Class{
		{Namespace: "/", Events: []string{"chat"}, Messages: Rate{PerSecond: 1, Burst: 2}},
		{Events: []string{"big"}, Bytes: Rate{PerSecond: 100, Burst: 200}},
	}}}
	bubble(t, cfg, func(t bubbleT, s *Server) {
		count := map[string]int{}
		s.Of("/").OnConnection(func(s *Socket) {
			for _, name := range []string{"chat", "big", "free"} {
				s.OnArgs(name, func(Args) { count[name]++ })
			}
		})
		p := joined(t, s)
		for range 5 {
			p.sends(`2["chat"]`, `2["free"]`, `2["big","`+strings.Repeat("x", 90)+`"]`)
		}
		require.Equal(t, map[string]int{"chat": 2, "free": 5, "big": 1}, count)
		p.leaves()
	})
}

// The rates of a class may follow from the socket. A socket that takes the
// place of another has its own rate, but not its burst anew.
func TestAbuseClassRates(t *testing.T) {
	rates := map[string]Rate{"fast": {PerSecond: 4, Burst: 4}, "slow": {PerSecond: 1, Burst: 2}, "free": {}}
	cfg := Config{Abuse: Abuse{Classes: []Class{{Namespace: "/", Rates: func(s *Socket) (messages, bytes Rate) {
		return rates[s.Data.(string)], Rate{}
	}}}}}
	bubble(t, cfg, func(t bubbleT, s *Server) {
		n := 0
		s.Of("/").Use(func(s *Socket) error {
			var auth struct{ Kind string }
			defer func() { s.Data = auth.Kind }()
			return s.Auth(&auth)
		})
		s.Of("/").OnConnection(func(s *Socket) { s.OnRaw("e", func(*Event) { n++ }) })
		handled := func(p *peer, kind string) int {
			p.sends(`0{"Kind":"` + kind + `"}`)
			n = 0
			p.sends(slices.Repeat([]string{`2["e"]`}, 10)...)
			p.sends("1")
			return n
		}
		p := dial(t, s)
		require.Equal(t, 10, handled(p, "free"))
		require.Equal(t, 4, handled(p, "fast"))
		require.Zero(t, handled(p, "slow"), "what is spent is spent")
		time.Sleep(time.Minute)
		require.Equal(t, 2, handled(p, "slow"))
		p.leaves()
	})
}

// A minute's worth in one second is a flood at once; the burst is not counted.
func TestAbuseHardAtOnce(t *testing.T) {
	run := func(n int) (closed engine.Reason) {
		bubble(t, Config{Abuse: Abuse{Messages: Rate{PerSecond: 10, Burst: 50}}}, func(t bubbleT, s *Server) {
			p := joined(t, s)
			time.Sleep(time.Minute)
			for range n {
				p.sends(`2["e"]`)
			}
			closed = p.link.closed()
			p.leaves()
		})
		return closed
	}
	require.Zero(t, run(10*hardBurst+50))
	require.Equal(t, engine.ReasonRateLimited, run(10*hardBurst+51))
}

// The seconds have to be on end.
func TestAbuseForgetsShortSurges(t *testing.T) {
	bubble(t, Config{Abuse: Abuse{Messages: Rate{PerSecond: 10, Burst: 10}}}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		for range 5 {
			time.Sleep(2 * time.Second)
			for range 2 {
				for range 41 {
					p.sends(`2["e"]`)
				}
				time.Sleep(time.Second)
			}
			p.sends(`2["e"]`)
		}
		p.open()
		p.leaves()
	})
}

// Four times the rate for three seconds closes; a little less, or two seconds
// of it, does not.
func TestAbuseHard(t *testing.T) {
	run := func(perSecond, seconds int) (closed engine.Reason) {
		bubble(t, Config{Abuse: Abuse{Messages: Rate{PerSecond: 10, Burst: 10}}}, func(t bubbleT, s *Server) {
			p := joined(t, s)
			time.Sleep(2 * time.Second)
			for range seconds {
				for range perSecond {
					p.sends(`2["e"]`)
				}
				time.Sleep(time.Second)
			}
			p.sends(`2["e"]`)
			closed = p.link.closed()
			p.leaves()
		})
		return closed
	}
	require.Equal(t, engine.ReasonRateLimited, run(41, 3))
	require.Zero(t, run(40, 10))
	require.Zero(t, run(400, 2))
}

func TestAbuseBeforeConnect(t *testing.T) {
	bubble(t, Config{Abuse: Abuse{EarlyMessages: 3, EarlyBytes: 100}}, func(t bubbleT, s *Server) {
		many, large, fine := dial(t, s), dial(t, s), dial(t, s)
		many.sends("0/a,", "0/a,", "0/a,")
		many.open()
		many.sends("0/a,")
		many.closedWith(engine.ReasonRateLimited)
		large.sends("0/a," + `{"t":"` + strings.Repeat("x", 88) + `"}`)
		large.open()
		large.sends("0")
		large.closedWith(engine.ReasonRateLimited)
		fine.sends("0/a,", "0/a,", "0")
		for range 100 {
			fine.sends(`2["e"]`)
		}
		fine.open()
		fine.leaves()
	})
}

func TestAbuseJoins(t *testing.T) {
	bubble(t, Config{Abuse: Abuse{Joins: Rate{PerSecond: 1, Burst: 2}}}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		p.sends("1", "0")
		p.wants(`0{"sid":"SID"}`)
		p.sends("1", "0")
		p.wants(`4{"message":"Too many requests","data":{"code":"rate_limited","msg":"Too many requests","retryMs":1000}}`)
		time.Sleep(time.Second)
		p.sends("0")
		p.wants(`0{"sid":"SID"}`)
		p.leaves()
	})
}

func TestAbuseStrikes(t *testing.T) {
	cfg := Config{Abuse: Abuse{Strikes: 3, Strict: func(n string) bool { return n == "/strict" }}}
	bubble(t, cfg, func(t bubbleT, s *Server) {
		for _, n := range []string{"/strict", "/"} {
			s.Of(n).OnConnection(func(s *Socket) { On(s, "n", func(int) {}) })
		}
		p := joined(t, s)
		p.sends("0/strict,")
		for range 50 {
			p.sends(`2["n","x"]`, `2["nobody"]`)
		}
		p.sends(`2/strict,["n","x"]`, `2/strict,["nobody"]`, `2/strict,["n","x"]`)
		p.open()
		time.Sleep(time.Minute)
		p.sends(`2/strict,["n","x"]`, `2/strict,["nobody"]`, `2/strict,["n","x"]`)
		p.open()
		p.sends(`2/strict,["nobody"]`)
		p.wants(`0/strict,{"sid":"SID"}`, "1/strict,") // so that a stock client does not come back
		p.closedWith(engine.ReasonBadPayload)
	})
}

// A client at the pace of the fastest game for a minute, and one that does what
// chats do, never meet the defaults; Off means off.
func TestAbuseDefaultsAreNeverMet(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		s.Of("/").OnConnection(func(s *Socket) { s.OnRaw("input", func(*Event) {}) })
		p := joined(t, s)
		input := fmt.Sprintf(`2["input",{"s":1,"pad":%q}]`, strings.Repeat("x", 500))
		for range 60 * 240 {
			p.conn.OnMessage([]byte(input), false)
			time.Sleep(time.Second / 240)
		}
		require.Zero(t, s.Stats().Refused)
		p.leaves()
	})
	bubble(t, Config{Abuse: Abuse{Off: true, Messages: Rate{PerSecond: 1}}}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		for range 100 {
			p.sends(`2["e"]`)
		}
		require.Zero(t, s.Stats().Refused)
		p.leaves()
	})
}
