package server

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"gameserver/engine/enginetest"
	"gameserver/game"
	"gameserver/game/snap"
	"gameserver/lobby"
	"gameserver/sio"
)

// dump writes bytes as docs/PROTOCOL.md has them.
func dump(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		line := b[:min(16, len(b))]
		b = b[len(line):]
		text := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, string([]rune(latin(line))))
		fmt.Fprintf(&out, "%-47s  |%s|\n", fmt.Sprintf("% x", line), text)
	}
	return out.String()
}

// latin has one rune for each byte.
func latin(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// workedBytes reads the named dumps of the page.
func workedBytes(t *testing.T) map[string][]byte {
	t.Helper()
	page, err := os.ReadFile("../docs/PROTOCOL.md")
	require.NoError(t, err)
	found := map[string][]byte{}
	for _, block := range regexp.MustCompile("(?ms)^```hex ([a-z-]+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		var b []byte
		for line := range strings.Lines(block[2]) {
			hex, _, _ := strings.Cut(line, "|")
			b = append(b, unhex(t, strings.TrimSpace(hex))...)
		}
		require.Equal(t, block[2], dump(b), "%s: hex and text differ", block[1])
		found[block[1]] = b
	}
	return found
}

// pageServer is a server in a bubble of virtual time, reached through pipes, so
// that each run ticks and answers alike.
type pageServer struct {
	t  *testing.T
	ln *enginetest.Listener
}

func (p *pageServer) raw() *raw {
	p.t.Helper()
	conn, err := p.ln.Dial()
	require.NoError(p.t, err)
	ws, err := enginetest.Upgrade(conn, "/socket.io/?EIO=4&transport=websocket")
	require.NoError(p.t, err)
	_, err = ws.ReadOpen()
	require.NoError(p.t, err)
	return &raw{WS: ws, t: p.t}
}

// until returns the first message that ok likes, as bytes and parsed.
func (r *raw) until(ok func(packet) bool) ([]byte, packet) {
	r.t.Helper()
	for {
		msg, err := r.ReadText()
		require.NoError(r.t, err)
		if msg == "2" {
			r.text("3")
			continue
		}
		if p := parse(r.t, msg); ok(p) {
			return []byte(msg), p
		}
	}
}

// snapshotOf returns the snapshot of a tick.
func (r *raw) snapshotOf(tick uint32) []byte {
	r.t.Helper()
	b, _ := r.until(func(p packet) bool {
		if p.name != "snapshot" {
			return false
		}
		var s snapshot
		p.into(r.t, &s)
		require.LessOrEqual(r.t, s.T, tick, "the snapshot did not come")
		return s.T == tick
	})
	return b
}

// TestProtocolPage sends the worked bytes of docs/PROTOCOL.md to a server and
// compares the others with what that answers.
func TestProtocolPage(t *testing.T) {
	page := workedBytes(t)
	for _, name := range []string{"connect", "queue-join", "queue-joined", "input", "compact-input", "snapshot", "snapshot-json", "compact"} {
		require.Contains(t, page, name, "the page has no such bytes")
	}
	t.Run("decoded", func(t *testing.T) { decodePage(t, page) })
	for _, play := range []func(*pageServer, map[string][]byte){playPage, playCompact} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Config{QueueFill: time.Hour, Workers: 1})
			game.Register(s, "pond", func() *pond { return &pond{} }, game.Rules{Players: game.Between(2, 2), Countdown: -1})
			p := &pageServer{t: t, ln: enginetest.NewListener()}
			done := make(chan error, 1)
			go func() { done <- s.Serve(p.ln) }()
			defer func() { // also when the page is wrong
				require.NoError(t, s.Shutdown(context.Background()))
				require.NoError(t, <-done)
			}()
			play(p, page)
		})
	}
}

// playPage plays the match that the page tells of.
func playPage(p *pageServer, page map[string][]byte) {
	t := p.t
	ann, bob := p.raw(), p.raw()
	defer func() { _, _ = ann.Close(), bob.Close() }()

	require.NoError(t, ann.SendBinary(page["connect"]))
	ann.until(func(p packet) bool { return p.typ == 0 && p.nsp == lobbyNamespace })
	require.NoError(t, ann.SendBinary(page["queue-join"]))
	ack, packet := ann.until(func(p packet) bool { return p.typ == 3 })
	var joined, example joinReply
	packet.into(t, &joined)
	parse(t, string(page["queue-joined"])).into(t, &example)
	require.Len(t, example.Ticket, len(joined.Ticket))
	same(t, page, "queue-joined", []byte(strings.Replace(string(ack), joined.Ticket, example.Ticket, 1)))

	bob.join(lobbyNamespace, false, m{"name": "bob"})
	bob.emit(lobbyNamespace, "queue:join", false, m{"queue": "pond"})
	for _, r := range []*raw{ann, bob} {
		var f lobby.Found
		r.await(lobbyNamespace, "match:found").into(t, &f)
		r.join(lobby.MatchNamespace, r == ann, m{"seat": f.Seat.Token})
	}
	ann.snapshotOf(96)
	require.NoError(t, ann.SendBinary(page["input"]))
	same(t, page, "snapshot", ann.snapshotOf(102))
	same(t, page, "snapshot-json", bob.snapshotOf(102))

	// Ten times 5, for the ticks 100 to 109, then two inputs that are repeated
	// twice.
	ann.snapshotOf(108)
	require.NoError(t, ann.SendBinary(page["compact-input"]))
	var s snapshot
	parse(t, string(ann.snapshotOf(114))).into(t, &s)
	require.EqualValues(t, 112, s.A)
	require.Equal(t, [][]float64{{1, 0, 50 - 4*5}}, s.E)
}

// playCompact plays the same match with a player who asked for the compact
// dialect.
func playCompact(p *pageServer, page map[string][]byte) {
	t := p.t
	ann, bob := p.raw(), p.raw()
	defer func() { _, _ = ann.Close(), bob.Close() }()
	for _, r := range []*raw{ann, bob} {
		r.join(lobbyNamespace, true, m{"name": "ann"})
		r.emit(lobbyNamespace, "queue:join", true, m{"queue": "pond"})
		r.await(lobbyNamespace, "queue:state") // seats go by who came first
	}
	for _, r := range []*raw{ann, bob} {
		var f lobby.Found
		r.await(lobbyNamespace, "match:found").into(t, &f)
		r.join(lobby.MatchNamespace, true, m{"seat": f.Seat.Token, "snap": 1})
	}
	mirror := snap.NewMirror(snap.Schema{Sets: []snap.Set{{Name: "boats", Fields: []snap.Field{{Name: "x", Kind: snap.KindFloat, Quantum: 1}}}}})
	for mirror.Tick() < 102 {
		b, packet := ann.until(func(p packet) bool { return p.name == "s" })
		blob, _, err := msgp.ReadBytesZC(packet.args[0])
		require.NoError(t, err)
		s, err := mirror.ApplyCompact(blob)
		require.NoError(t, err)
		switch s.Tick {
		case 96:
			require.NoError(t, ann.SendBinary(page["input"]))
		case 102:
			same(t, page, "compact", b)
			s.Bytes = 0
			require.Equal(t, snap.Snapshot{Tick: 102, Base: 99, Ack: 100, Lead: 16, Every: 1, Changed: 1}, s)
		}
	}
	_, values, ok := mirror.Entity(1)
	require.True(t, ok)
	require.Equal(t, []int32{15}, values)
}

// same compares bytes with the page, and says what the page should have.
func same(t *testing.T, page map[string][]byte, name string, got []byte) {
	t.Helper()
	require.Equal(t, dump(got), dump(page[name]), "%s: the page should have\n%s", name, dump(got))
}

// decodePage reads the bytes with the code that reads those of clients.
func decodePage(t *testing.T, page map[string][]byte) {
	t.Helper()
	d := sio.NewDecoder(sio.ParserAuto, sio.Limits{})
	e, err := d.Decode(page["connect"], true)
	require.NoError(t, err)
	require.Equal(t, sio.PacketConnect, e.Type())
	require.Equal(t, lobbyNamespace, e.Namespace())
	require.Equal(t, sio.ParserMsgpack, e.Parser())

	e, err = d.Decode(page["queue-join"], true)
	require.NoError(t, err)
	require.Equal(t, "queue:join", e.Name())
	id, ok := e.AckID()
	require.True(t, ok)
	require.Zero(t, id)
	var join joinRequest
	require.NoError(t, e.Args(nil).Decode(0, &join))
	require.Equal(t, joinRequest{Queue: "pond"}, join)

	e, err = d.Decode(page["input"], true)
	require.NoError(t, err)
	require.Equal(t, lobby.MatchNamespace, e.Namespace())
	require.Equal(t, "input", e.Name())
	in, err := parseInput(e.Arg(0))
	require.NoError(t, err)
	require.Equal(t, input{tick: 100, seen: 96, value: unhex(t, "81 a3726f77 05")}, in)

	e, err = d.Decode(page["compact-input"], true)
	require.NoError(t, err)
	require.Equal(t, "i", e.Name())
	blob, _, err := readBlob(e.Arg(0), nil)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "4a 7000 6c00 0c 01 09"), blob)

	want := snapshot{T: 102, B: 99, A: 100, E: [][]float64{{1, 0, 15}}, R: [][]float64{}}
	var got snapshot
	e, err = d.Decode(page["snapshot"], true)
	require.NoError(t, err)
	require.NoError(t, e.Args(nil).Decode(0, &got))
	require.Equal(t, want, got)
	require.Equal(t, "42/match,", string(page["snapshot-json"][:min(9, len(page["snapshot-json"]))]))
	e, err = sio.NewDecoder(sio.ParserJSON, sio.Limits{}).Decode(page["snapshot-json"][1:], false)
	require.NoError(t, err)
	got = snapshot{}
	require.NoError(t, e.Args(nil).Decode(0, &got))
	want.A = 0 // bob has sent nothing
	require.Equal(t, want, got)
}
