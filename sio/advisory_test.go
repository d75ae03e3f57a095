package sio

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// What has gone wrong in other servers of this protocol, one test for each
// advisory.

// refusedWith sends messages to a connected socket and requires the connection
// to end and the server to serve the next one.
func refusedWith(t *testing.T, reason engine.Reason, send func(p *peer)) {
	t.Helper()
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		send(p)
		synctest.Wait()
		p.closedWith(reason)
		require.Zero(t, s.Stats().Panics)
		joined(t, s).leaves()
	})
}

// socket.io: the ids of sessions could be guessed. Those of sockets are no
// credentials, and neither they nor the secrets of recovery tell the session's.
func TestAdvisoryCVE2017_16031PredictableIDs(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		seen := map[string]bool{}
		for range 200 {
			c := arrive(t, s)
			for _, id := range []string{c.sid, c.pid} {
				require.Len(t, id, 20)
				require.False(t, seen[id])
				require.False(t, seen[id[:5]], "no common prefix")
				seen[id], seen[id[:5]] = true, true
			}
			c.drop()
		}
	})
}

// socket.io: an event named error that nobody listened to ended the process.
func TestAdvisoryCVE2024_38355ErrorEvent(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		heard := 0
		s.Of("/heard").OnConnection(func(s *Socket) { s.OnArgs("error", func(Args) { heard++ }) })
		p := joined(t, s)
		p.sends(`2["error","x"]`, `2["error"]`, `21["error",{}]`, "0/heard,", `2/heard,["error"]`)
		p.open()
		require.Equal(t, 1, heard)
		require.EqualValues(t, 3, s.Stats().Unknown)
		p.leaves()
	})
}

// socket.io-parser: a packet announced many attachments, for which memory was
// taken at once and copied again with each of them.
func TestAdvisoryCVE2020_36049AttachmentCount(t *testing.T) {
	for _, n := range []string{"11", "99", "100000", "99999999999999999999", "4294967296", "1e9", "0x5", "-1", " 1", "01"} {
		refusedWith(t, engine.ReasonProtocol, func(p *peer) { p.sends("5" + n + `-["a"]`) })
	}
}

// netty-socketio: an array of the announced length was made. Here a packet costs
// what has come of it.
func TestAdvisoryNetty945AnnouncedCount(t *testing.T) {
	packet := []byte(`510-["a"`)
	for i := range 10 {
		packet = append(packet, ',')
		packet = append(packet, hold(i)...)
	}
	packet = append(packet, ']')
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decs := make([]*Decoder, 1000)
	for i := range decs {
		decs[i] = NewDecoder(ParserJSON, Limits{})
		e, err := decs[i].Decode(packet, false)
		require.NoError(t, err)
		require.Nil(t, e)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(decs)*(2*len(packet)+2048)))
	runtime.KeepAlive(decs)
}

// socket.io-parser: the number of a placeholder could be anything, such as the
// name of a method.
func TestAdvisoryCVE2022_2421Placeholder(t *testing.T) {
	for _, num := range []string{`"0"`, `"splice"`, "-1", "1", "0.5", "null", "true", "{}", "[0]", "1e0", "99999999999999999999"} {
		refusedWith(t, engine.ReasonProtocol, func(p *peer) {
			p.sends(`51-["a",` + hold(num) + `]`)
			p.sendsHex("01")
		})
	}
	refusedWith(t, engine.ReasonProtocol, func(p *peer) { // twice the same
		p.sends(`52-["a",` + hold(0) + `,` + hold(0) + `]`)
	})
}

// socket.io-parser: the name of an event could be an object, whose methods were
// called then.
func TestAdvisoryCVE2023_32695EventName(t *testing.T) {
	for _, name := range []string{`{"toString":"foo"}`, `[]`, `null`, `true`, `""`, hold(0)} {
		refusedWith(t, engine.ReasonProtocol, func(p *peer) { p.sends(`2[` + name + `]`) })
	}
	for _, name := range []string{"80", "90", "c0", "c3", "c40161", "d40000", "a0"} {
		bubble(t, Config{}, func(t bubbleT, s *Server) {
			p := dial(t, s)
			p.sendsHex("82 a474797065 00 a36e7370 a12f")
			p.sendsHex("83 a474797065 02 a36e7370 a12f a464617461 91 " + name)
			p.closedWith(engine.ReasonProtocol)
		})
	}
}

// attachmentFlood sends a packet with as many attachments as it may have, which
// together are larger than they may be.
func attachmentFlood(p *peer) {
	var head strings.Builder
	head.WriteString(`510-["a"`)
	for i := range 10 {
		head.WriteString("," + hold(i))
	}
	p.sends(head.String() + "]")
	for range 10 {
		p.conn.OnMessage(make([]byte, 100_001), true)
	}
}

// socket.io-parser: attachments were kept without bound, in number and bytes.
func TestAdvisoryCVE2026_33151Attachments(t *testing.T) {
	refusedWith(t, engine.ReasonTooLarge, attachmentFlood)
	refusedWith(t, engine.ReasonProtocol, func(p *peer) { p.sends(`511-["a"]`) })
}

// python-socketio: attachments piled up.
func TestAdvisoryCVE2026_48804Attachments(t *testing.T) {
	refusedWith(t, engine.ReasonTooLarge, attachmentFlood)
	refusedWith(t, engine.ReasonProtocol, func(p *peer) { // more than were announced
		p.sends(`51-["a",` + hold(0) + `]`)
		p.sendsHex("01")
		p.sendsHex("01")
	})
}

// socket.io-parser: a packet that announced no attachments took every one that
// came.
func TestAdvisoryCVE2026_69185NoAttachments(t *testing.T) {
	for _, packet := range []string{`50-["a"]`, `50-`, `5-["a"]`, `5["a"]`, `60-1["a"]`} {
		refusedWith(t, engine.ReasonProtocol, func(p *peer) { p.sends(packet) })
	}
}

// socketioxide: attachments were taken without bound before anybody was let in,
// and for ever.
func TestAdvisoryGHSA55mfAttachmentsBeforeConnect(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		early, slow := dial(t, s), joined(t, s)
		early.sends(`51-["a",` + hold(0) + `]`)
		early.conn.OnMessage(make([]byte, 64<<10), true)
		synctest.Wait()
		early.closedWith(engine.ReasonRateLimited)
		slow.sends(`51-["a",` + hold(0) + `]`)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		slow.closedWith(engine.ReasonBadPayload)
	})
}

// socket.io-msgpack-parser: clients could send the events that a server emits
// itself, and so spoof a disconnect.
func TestAdvisoryMsgpackParserReservedEvents(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		bubble(t, Config{}, func(t bubbleT, s *Server) {
			s.Of("/").OnConnection(func(s *Socket) {
				s.OnArgs(name, func(Args) { t.Error("handled") })
				s.OnAny(func(*Event) { t.Error("seen") })
			})
			p := dial(t, s)
			p.sendsHex("82 a474797065 00 a36e7370 a12f")
			p.takes()
			p.sendsHex(fmt.Sprintf("83 a474797065 02 a36e7370 a12f a464617461 91 %x%x", 0xa0|len(name), name))
			p.closedWith(engine.ReasonProtocol)
		})
	}
}

// python-socketio: what came over the bus between servers was unpickled, which
// runs code. Here it is one checked msgpack value, or nothing.
func TestAdvisoryCVE2025_61765ForeignPayloads(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		l := local{s.Of("/")}
		for _, payload := range []string{
			"\x80\x04\x95cos\nsystem\n", "cos\nsystem\n(S'id'\ntR.", "", "\x91", "\x91\x80", "\x91\xa1a\x00",
			"\xdd\xff\xff\xff\xff", "\x90", "\x91\xc1", strings.Repeat("\x91", 5000),
		} {
			require.Error(t, l.Broadcast(Targets{}, []byte(payload)), "%q", payload)
			require.Error(t, l.ServerSideEmit([]byte(payload), nil), "%q", payload)
		}
		p.wants()
		require.NoError(t, l.Broadcast(Targets{}, []byte("\x91\xa1a")))
		p.wants(`2["a"]`)
		p.leaves()
	})
}

// bombs declare more than they hold, or nest without end.
func bombs() map[string][]byte {
	return map[string][]byte{
		"array32":       {0xdd, 0xff, 0xff, 0xff, 0xff},
		"map32":         {0xdf, 0xff, 0xff, 0xff, 0xff},
		"bin32":         {0xc6, 0xff, 0xff, 0xff, 0xff},
		"str32":         {0xdb, 0xff, 0xff, 0xff, 0xff},
		"ext32":         {0xc9, 0xff, 0xff, 0xff, 0xff, 0},
		"fixext1":       {0xd4},
		"fixext2":       {0xd5},
		"fixext4":       {0xd6, 0},
		"fixext8":       {0xd7, 0xff, 0, 0, 0, 0, 0, 0, 0},
		"fixext16":      {0xd8},
		"map key":       {0x81, 0x80, 0x01},
		"cut string":    {0xa6, 'a'},
		"array16":       {0xdc, 0xff, 0xff},
		"nested arrays": bytes.Repeat([]byte{0x91}, 100_000),
		"nested maps":   bytes.Repeat([]byte{0x81, 0xa1, 'a'}, 30_000),
		"wide":          append([]byte{0xdc, 0xff, 0xff}, make([]byte, 0xffff)...),
	}
}

// bombed sends each bomb as the argument of an event and requires a refusal that
// costs no memory.
func bombed(t *testing.T, names ...string) {
	t.Helper()
	head := unhex(t, "83 a474797065 02 a36e7370 a12f a464617461 92 a161")
	for _, name := range names {
		packet := append(bytes.Clone(head), bombs()[name]...)
		d := NewDecoder(ParserMsgpack, Limits{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := d.Decode(packet, true)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, ErrProtocol, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<10), name)
	}
}

// vmihailenco/msgpack 376: memory was taken by declared lengths.
func TestAdvisoryMsgpack376DeclaredLengths(t *testing.T) {
	bombed(t, "array32", "map32", "bin32", "str32")
}

// vmihailenco/msgpack 401: nesting exhausted the stack.
func TestAdvisoryMsgpack401Nesting(t *testing.T) { bombed(t, "nested arrays", "nested maps") }

// shamaton/msgpack 59: an extension without its body was read beyond the end.
func TestAdvisoryShamaton59TruncatedExt(t *testing.T) {
	bombed(t, "fixext1", "fixext2", "fixext4", "fixext8", "fixext16", "ext32")
}

// shamaton/msgpack 109: five bytes asked for 64 GiB.
func TestAdvisoryShamaton109FiveBytes(t *testing.T) { bombed(t, "array32", "array16", "wide") }

// shamaton/msgpack: what did not fit crashed the decoder: bounds, and keys that
// cannot be keys.
func TestAdvisoryCVE2022_41719Malformed(t *testing.T) {
	bombed(t, "map key", "cut string")
	var into struct {
		A []int            `json:"a"`
		M map[string]int   `json:"m"`
		S string           `json:"s"`
		P *struct{ X int } `json:"p"`
	}
	for _, key := range []string{"a", "m", "s", "p"} {
		for _, value := range []string{"01", "c3", "cb7ff8000000000000", "c40100", "a161", "8101c0", "9181a16101", "d7ff0000000000000000", "c7000000"} {
			require.NotPanics(t, func() { _ = decodeInto(&into, unhex(t, "81 a1"+fmt.Sprintf("%x", key)+value)) }, "%s %s", key, value)
		}
	}
}
