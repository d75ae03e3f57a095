package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// message is one WebSocket message of a client.
type message struct {
	binary bool
	data   string
}

// step is what one client sends at once; the servers then come to rest.
type step struct {
	who      int    // which of the two clients
	about    string // what the generator meant
	messages []message
	want     string // an event that has to come back before the step is over
}

// script is one case of the differential test.
type script struct {
	seed    uint64
	msgpack bool
	cold    bool // the first step is the first message of its session
	steps   []step
}

// The ack id of the last question of the server takes the place of these.
const (
	idMark       = "\x00ID\x00"
	idMarkPacked = "\xcd\xff\xfe"
	lastAsked    = 0xfffe
)

// render encodes a packet; id -1 means none.
func render(msgpack bool, p packer, kind int, nsp string, id int, data any) []message {
	if msgpack {
		m := object{{"type", kind}, {"nsp", nsp}}
		if data != nil {
			m = append(m, member{"data", data})
		}
		switch {
		case id == lastAsked:
			m = append(m, member{"id", raw(idMarkPacked)})
		case id >= 0:
			m = append(m, member{"id", id})
		}
		if kind == 2 && p.wide() {
			m = append(m, member{"options", object{{"compress", true}}})
		}
		if p.r != nil {
			p.r.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		}
		return []message{{true, string(p.append(nil, m))}}
	}
	return renderText(kind, nsp, id, data)
}

func renderText(kind int, nsp string, id int, data any) []message {
	var parts [][]byte
	var payload []byte
	if data != nil {
		payload = appendJSON(nil, data, &parts)
	}
	head := "4" + strconv.Itoa(kind)
	if len(parts) > 0 {
		head = fmt.Sprintf("4%d%d-", kind+3, len(parts))
	}
	if nsp != "/" {
		head += nsp + ","
	}
	switch {
	case id == lastAsked:
		head += idMark
	case id >= 0:
		head += strconv.Itoa(id)
	}
	out := []message{{false, head + string(payload)}}
	for _, part := range parts {
		out = append(out, message{true, string(part)})
	}
	return out
}

// generator makes a script from a seed.
type generator struct {
	r      *rand.Rand
	s      script
	joined [2]map[string]bool // what it believes
	asked  [2]bool
}

func generate(seed uint64) script {
	g := &generator{r: rand.New(rand.NewPCG(seed, 27)), s: script{seed: seed}}
	g.s.msgpack = g.r.IntN(5) < 2
	g.joined = [2]map[string]bool{{}, {}}
	if g.s.cold = g.r.IntN(5) == 0; g.s.cold {
		g.add(0, g.strange(0))
	}
	invalid := g.r.IntN(3) > 0 // a third of the scripts have nothing invalid
	for range 3 + g.r.IntN(12) {
		who := 0
		if g.r.IntN(4) == 0 {
			who = 1
		}
		st := g.usual(who)
		if invalid && g.r.IntN(6) == 0 {
			st = g.strange(who)
		}
		g.add(who, st)
	}
	return g.s
}

func (g *generator) add(who int, st step) {
	st.who = who
	g.s.steps = append(g.s.steps, st)
}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func (g *generator) packet(about string, kind int, nsp string, id int, data any) step {
	return step{about: about, messages: render(g.s.msgpack, packer{g.r}, kind, nsp, id, data)}
}

// usual makes a step that both servers should take.
func (g *generator) usual(who int) step {
	joined := g.joined[who]
	nsp := pick(g.r, "/", "/", "/chat", "/chat", "/chat", "/custom")
	if !joined[nsp] && !g.chance(4) {
		return g.connect(who, nsp)
	}
	switch n := g.r.IntN(20); {
	case n == 0:
		delete(joined, nsp)
		return g.packet("disconnect", 1, nsp, -1, nil)
	case n == 1:
		return g.packet("connect nowhere", 0, pick(g.r, "/nowhere", "/chat?x=1", "/c", "/chat/", "/äöü"), -1, nil)
	case n == 2:
		return g.packet("unknown event", 2, nsp, pick(g.r, -1, 7), []any{pick(g.r, "error", "message ", "Message", "connection", "ping", "constructor"), g.value(2)})
	case n == 3:
		return g.packet("unknown ack", 3, nsp, pick(g.r, 0, 1, 31337), g.args())
	case n == 4 && !g.s.msgpack:
		return step{about: "engine packet without effect", messages: []message{{false, pick(g.r, "3", "3probe", "6", "5", "0", "0{}")}}}
	case nsp == "/chat":
		return g.chat(who)
	}
	if g.chance(50) {
		return g.packet("message", 2, nsp, -1, append([]any{"message"}, g.args()...))
	}
	return g.packet("message with ack", 2, nsp, g.id(), append([]any{"message-with-ack"}, g.args()...))
}

func (g *generator) id() int { return pick(g.r, 0, 1, 9, 10, 456, 65533, 99999) }

func (g *generator) connect(who int, nsp string) step {
	auth := any(nil)
	ok := nsp != "/chat"
	if nsp == "/chat" && g.chance(85) {
		ok = true
		auth = object{{"token", "open"}, {"name", g.text()}}
	} else if g.chance(50) {
		auth = object{{"token", pick[any](g.r, "shut", 1, nil, []any{"open"}, false)}, {"more", g.value(1)}}
	}
	if ok {
		g.joined[who][nsp] = true
	}
	return g.packet("connect", 0, nsp, -1, auth)
}

func (g *generator) chat(who int) step {
	room := func() any { return fmt.Sprintf("%s-%d", pick(g.r, "a", "b"), g.s.seed) }
	ack := pick(g.r, -1, g.id())
	event := func(name string, args ...any) step {
		return g.packet(name, 2, "/chat", ack, append([]any{name}, args...))
	}
	switch g.r.IntN(14) {
	case 0, 1, 2:
		return event("join", room())
	case 3:
		return event("leave", room())
	case 4:
		return event("rooms")
	case 5, 6:
		return event("say", append([]any{room()}, g.args()...)...)
	case 7:
		return event("all", append([]any{room()}, g.args()...)...)
	case 8:
		return event("except", append([]any{room(), room()}, g.args()...)...)
	case 9, 10:
		if g.asked[who] {
			g.asked[who] = false
			st := g.packet("answer", 3, "/chat", lastAsked, g.args())
			st.want = "answer"
			return st
		}
		g.asked[who] = true
		st := event("question", g.args()...)
		st.want = "question"
		return st
	case 11:
		return event("blob")
	case 12:
		return event("twice")
	}
	if g.chance(70) {
		return event("twice")
	}
	g.joined[who] = map[string]bool{}
	return event(pick(g.r, "kick", "bye"))
}

func (g *generator) args() []any {
	args := []any{}
	for range g.r.IntN(4) {
		args = append(args, g.value(3))
	}
	return args
}

func (g *generator) text() string {
	return pick(g.r, "", "x", "hello", "ünïcödé", "日本", "🎮 game", "<a href=\"x\">&amp;</a>", "quote\" back\\slash", "tab\tnew\nline\u2028",
		"\x01\x1f\x7f", "1", "__proto__", "toString", "id\x00zero", strings.Repeat("long ", 60))
}

func (g *generator) number() any {
	return pick[any](g.r, 0, 1, -1, 31, 32, 127, 128, -32, -33, 255, 256, 65535, 65536, -32768, -32769, 1<<31-1, 1<<31, -1<<31, 1<<32, 1<<53,
		0.5, -0.25, 1.0, 1e21, 1e-7, 3.141592653589793, 5e-324, 1.7976931348623157e308)
}

// value makes any value; binaries are few, because attachments are bounded.
func (g *generator) value(depth int) any {
	switch n := g.r.IntN(12); {
	case n < 3:
		return g.number()
	case n < 6:
		return g.text()
	case n < 8:
		return pick[any](g.r, nil, true, false)
	case n == 8:
		return []byte(pick(g.r, "", "\x00", "binary", "\xff\xfe\x1e\n", "4text", strings.Repeat("b", 300)))
	case depth == 0:
		return nil
	case n < 10:
		list := []any{}
		for range g.r.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return list
	}
	o := object{}
	for range g.r.IntN(4) {
		k := pick(g.r, "a", "b", "2", "1", "", "ключ", "num", "type", "data", "length", "toJSON")
		if !slices.ContainsFunc(o, func(m member) bool { return m.key == k }) {
			o = append(o, member{k, g.value(depth - 1)})
		}
	}
	return o
}
