package e2e

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every parser on every transport plays a whole round, all in one server at
// once, so that rooms hold both parsers and both transports.
func TestOfficialClientOnEveryParserAndTransport(t *testing.T) {
	t.Parallel()
	s := start(t, "--round", "12s", "--queue-fill", "3s")
	transports := map[string][]string{
		"websocket": {"websocket"},
		"polling":   {"polling"},
		"upgrade":   {"polling", "websocket"},
	}
	for _, parser := range []string{"default", "msgpack"} {
		for name, list := range transports {
			t.Run(parser+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := &server{t: t, url: s.url}
				p := s.join(options{"name": parser + "-" + name, "parser": parser, "transports": list})
				require.Contains(t, list, p.until("connected", nil).str("transport"))
				require.Equal(t, true, p.until("queued", nil)["ok"])
				p.until("found", nil)
				require.Equal(t, list[len(list)-1], p.until("seated", nil).str("transport"), "upgraded by now")
				w := p.until("welcome", nil)
				require.NotZero(t, w.num("you"))
				require.Equal(t, 0.0, w.num("snap"), "plain dialect for a client that negotiated nothing")
				first := p.until("first", nil)
				require.Equal(t, "welcome,schema", first.str("order"))
				require.Zero(t, first.num("base"), "the first snapshot is full")
				p.until("moved", own)
				r := p.until("result", nil)
				require.Equal(t, "ended", r.str("reason"))
				require.GreaterOrEqual(t, r.num("players"), 2.0)
				require.Equal(t, "io server disconnect", p.until("left", nil).str("reason"))
				back := p.until("lobby", nil)
				require.Equal(t, true, back["ok"])
				require.NoError(t, <-p.done)
			})
		}
	}
}

// Two people meet, see each other move; one is killed, comes back on its seat
// in a new process, and both see the round to its end.
func TestKilledClientResumesItsSeat(t *testing.T) {
	t.Parallel()
	for _, parser := range []string{"default", "msgpack"} {
		t.Run(parser, func(t *testing.T) {
			t.Parallel()
			s := start(t, "--round", "25s", "--queue-fill", "4s")
			a := s.join(options{"name": "a", "parser": parser, "hold": "right"})
			b := s.join(options{"name": "b", "parser": "msgpack", "hold": "left"})
			require.Equal(t, a.until("found", nil).str("match"), b.until("found", nil).str("match"), "they meet in one match")
			wa, wb := a.until("welcome", nil), b.until("welcome", nil)
			require.NotEqual(t, wa.num("you"), wb.num("you"))
			a.until("moved", func(l line) bool { return l.num("id") == wb.num("you") })
			b.until("moved", func(l line) bool { return l.num("id") == wa.num("you") })

			require.NoError(t, a.cmd.Process.Signal(syscall.SIGKILL))
			<-a.done
			again := s.join(options{"name": "a again", "parser": parser, "seat": wa.str("resume"), "hold": "left"})
			w := again.until("welcome", nil)
			require.Equal(t, wa.num("you"), w.num("you"), "the same seat")
			require.Zero(t, again.until("first", nil).num("base"))
			again.until("moved", own)
			require.Equal(t, "ended", again.until("result", nil).str("reason"))
			require.Equal(t, "ended", b.until("result", nil).str("reason"))
			b.until("lobby", nil)
		})
	}
}

// A wrong seat token is refused with a code of the vocabulary.
func TestForgedSeatIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, token := range []string{"", "nonsense", fmt.Sprintf("%0200d", 1)} {
		p := s.join(options{"name": fmt.Sprint(i), "seat": token + " "})
		refused := p.until("refused", nil)
		data, ok := refused["data"].(map[string]any)
		require.True(t, ok, "CONNECT_ERROR carries err as data: %v", refused)
		require.Equal(t, "auth_failed", data["code"])
		require.NoError(t, p.cmd.Process.Kill())
	}
}

func TestDebianPythonClientJoinsWithJSON(t *testing.T) {
	t.Parallel()
	s := start(t, "--queue-fill", "1s")
	for _, transport := range []string{"websocket", "polling"} {
		p := run(t, "python", "/usr/bin/python3", "player.py", s.url, transport)
		require.Equal(t, true, p.until("queued", nil)["ok"])
		require.Equal(t, "welcome,schema", p.until("first", nil).str("order"))
		p.until("moved", nil)
		require.Equal(t, true, p.until("left", nil)["ok"])
		require.NoError(t, <-p.done)
	}
}
