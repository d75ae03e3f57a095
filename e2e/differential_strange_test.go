package e2e

import (
	"encoding/binary"
	"strings"
)

// strange makes a step that one server or both should refuse.
func (g *generator) strange(who int) step {
	switch n := g.r.IntN(10); {
	case n < 4:
		return g.damaged(who)
	case n == 4:
		return step{about: "engine packet", messages: []message{{false, pick(g.r, "", "2", "2probe", "7", "x", "4", "1", "b", "bAAAA", "9", "\x1e", "44", "-1", "00")}}}
	case n == 5:
		return g.wrongKind()
	case g.s.msgpack:
		return step{about: "strange msgpack", messages: []message{{true, g.strangePacked()}}}
	case n < 8:
		return step{about: "strange text", messages: []message{{false, "4" + g.strangeText()}}}
	default:
		return g.strangeAttachments()
	}
}

// damaged is a valid packet with a byte changed, gone, doubled or cut.
func (g *generator) damaged(who int) step {
	before := g.joined[who]
	g.joined[who] = map[string]bool{"/": before["/"], "/chat": before["/chat"], "/custom": before["/custom"]}
	st := g.usual(who)
	g.joined[who] = before
	m := &st.messages[g.r.IntN(len(st.messages))]
	if b := []byte(m.data); len(b) > 1 {
		i := 1 + g.r.IntN(len(b)-1)
		switch g.r.IntN(5) {
		case 0:
			b[i] ^= 1 << g.r.IntN(7)
		case 1:
			b = append(b[:i], b[i+1:]...)
		case 2:
			b = append(b[:i], append([]byte{b[i]}, b[i:]...)...)
		case 3:
			b = b[:i]
		case 4:
			b[i] = pick[byte](g.r, '"', '{', '[', ']', '}', ',', '0', '-', '/', '\\', 'e', 0x00, 0x7f)
		}
		m.data = string(b)
	}
	return step{about: "damaged " + st.about, messages: st.messages, want: st.want}
}

// wrongKind is text for a msgpack connection and binary for one of JSON.
func (g *generator) wrongKind() step {
	if g.s.msgpack {
		return step{about: "text on msgpack", messages: []message{{false, pick(g.r, "40", "42[\"message\"]", "41", "4x")}}}
	}
	return step{about: "binary on JSON", messages: []message{{true, pick(g.r, "", "x", "0", string(packer{}.append(nil, object{{"type", 0}, {"nsp", "/"}})))}}}
}

func (g *generator) strangeText() string {
	nsp := pick(g.r, "", "", "/chat,", "/custom,")
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	payloads := []string{
		"", "[", "]", "[]", "{}", "[null]", "[{}]", "[[]]", "[true]", `[""]`, `[1]`, `[1,2]`, `[-1.5,"x"]`, `[1e3]`, `[01]`, `["message",]`,
		`["message"]x`, `["message"] `, ` ["message",1]`, "\n[\"message\"]", `["message" , 1 ]`, `["message",1]]`, `"message"`, `message`,
		`["connect"]`, `["connect_error"]`, `["disconnect"]`, `["disconnecting"]`, `["newListener"]`, `["removeListener"]`, `["error","x"]`,
		`["connection"]`, `["\u0063onnect"]`, `["\u006dessage","escaped name"]`, `["message","\ud83c\udfae"]`, `["message","\ud800"]`,
		`["message","\udc00x"]`, `["message","\q"]`, `["message",'x']`, `["message",NaN]`, `["message",Infinity]`, `["message",1e999]`,
		`["message",-0]`, `["message",1.0]`, `["message",1E+2]`, `["message",+1]`, `["message",.5]`, `["message",12345678901234567890]`,
		`["message",123456789012345678901234567890]`, `["message",{"a":1,"a":2}]`, `["message",{"__proto__":1}]`, `["message",{"a":undefined}]`,
		`["message",{"_placeholder":true,"num":0}]`, `["message",{a:1}]`, `["message"/**/]`, `["message",` + deep(14) + `]`,
		`["message",` + deep(40) + `]`, `["message",` + "\"" + strings.Repeat("x", 2000) + `"]`, `["` + strings.Repeat("n", 256) + `"]`,
		`["` + strings.Repeat("n", 300) + `"]`, `["message",[` + strings.Repeat("0,", 3000) + `0]]`, `["message",[` + strings.Repeat("0,", 5000) + `0]]`,
		"[\"message\",\"\x01\"]", "\ufeff[\"message\"]", "[\"message\",\"\\u0000\"]", "[1e400]", `["message-with-ack",1e999]`,
	}
	ids := []string{"", "", "", "0", "1", "007", "00", "2147483648", "2147483649", "4294967296", "99999999999999999999", " ", " 1", "-1", "1.5", "1e3", "+1", "٣"}
	kind := pick(g.r, "0", "1", "2", "2", "2", "2", "3", "4", "7", "9", "", "x", "-")
	switch g.r.IntN(8) {
	case 0:
		return kind + nsp + pick(g.r, ids...)
	case 1:
		return kind + nsp + pick(g.r, ids...) + pick(g.r, payloads...)
	case 2:
		return kind + pick(g.r, "/", "//", "/,", "/ ", "/chat", "chat", "chat,", "/"+strings.Repeat("n", 255)+",", "/"+strings.Repeat("n", 256)+",", "/chat ,", "/CHAT,") + pick(g.r, payloads...)
	case 3:
		return "2" + nsp + pick(g.r, ids...) + `["message-with-ack","id"]`
	}
	return "2" + nsp + pick(g.r, payloads...)
}

func (g *generator) strangeAttachments() step {
	head := pick(g.r, "451-", "451-", "452-", "450-", "45-", "45", "4501-", "45 1-", "45+1-", "451.0-", "450x1-", "451e0-", "45-1-", "4510-", "4511-", "451", "461-", "461-", "461-/chat,5",
		"451-/chat,", "451-7", "481-", "4551-", "451-/nowhere,", "45999999999999-")
	p := func(n string) string { return `{"_placeholder":true,"num":` + n + `}` }
	payload := pick(g.r, `["message",`+p("0")+`]`, `["message",`+p("0")+`]`, `["message",`+p("0")+`,`+p("0")+`]`, `["message",`+p("0")+`,`+p("1")+`]`,
		`["message",`+p("1")+`,`+p("0")+`]`, `["message",`+p("1")+`]`, `["message",`+p("-1")+`]`, `["message",`+p("0.5")+`]`, `["message",`+p(`"0"`)+`]`,
		`["message",`+p(`"length"`)+`]`, `["message",`+p("null")+`]`, `["message",{"_placeholder":true}]`, `["message",{"num":0,"_placeholder":true}]`,
		`["message",{"_placeholder":true,"num":0,"x":1}]`, `["message",{"_placeholder":1,"num":0}]`, `["message",{"_placeholder":false,"num":0}]`,
		`["message"]`, `[`+p("0")+`]`, p("0"), `["message",{"a":[`+p("0")+`]}]`, "", `[`, `["connect",`+p("0")+`]`, `["message",`+p("1e0")+`]`, `["message",`+p("00")+`]`)
	st := step{about: "strange attachments", messages: []message{{false, head + payload}}}
	for range g.r.IntN(4) {
		st.messages = append(st.messages, message{true, pick(g.r, "", "one", "\x00\xff")})
	}
	if g.chance(15) {
		st.messages = append(st.messages, message{false, `42["message"]`})
	}
	return st
}

func (g *generator) strangePacked() string {
	p := packer{}
	if g.r.IntN(5) == 0 {
		return pick(g.r, "", "\xc0", "\x80", "\x81", "\x90", "\xc1", "\x81\xa4type\x00", "\x83\xa4type", "\xdf\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff",
			"\x82\xa4type\x00\xa3nsp\xdb\xff\xff\xff\xff", "\x82\xa4type\xc1\xa3nsp\xa1/", string(p.append(nil, object{{"type", 0}, {"nsp", "/"}}))+"\x00",
			string(p.append(nil, object{{"type", 2}, {"nsp", "/"}, {"data", raw("\xdd\x7f\xff\xff\xff")}})))
	}
	nest := func(n int) raw { return raw(strings.Repeat("\x91", n) + "\xc0") }
	many := func(n int) raw {
		return raw(string(binary.BigEndian.AppendUint16([]byte{0xdc}, uint16(n))) + strings.Repeat("\x00", n))
	}
	m := object{
		{"type", pick[any](g.r, 2, 2, 2, 2, 2, 0, 1, 3, 4, 5, -1, 2.0, 2.5, "2", nil, raw("\xcc\x02"), raw("\xd0\x02"), true, raw("\xd4\x00\x00"), raw("\xca\x40\x00\x00\x00"))},
		{"nsp", pick[any](g.r, "/", "/", "/", "/chat", "/chat", "/custom", "", "chat", "/nowhere", 1, nil, []byte("/"), raw("\xd4\x00\x00"), "/"+strings.Repeat("n", 300), "/\x00")},
	}
	if g.r.IntN(6) > 0 {
		m = append(m, member{"data", pick[any](g.r,
			[]any{}, object{}, nil, raw("\xd4\x00\x00"), "x", 1, []any{nil}, []any{object{}}, []any{"connect"}, []any{"disconnect", "spoofed"}, []any{"error", "x"}, []any{"newListener"},
			[]any{""}, []any{1, "number"}, []any{1.5}, []any{raw("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00")}, []any{[]byte("message")}, []any{true}, []any{strings.Repeat("n", 300)},
			[]any{"message", raw("\xd4\x00\x00")}, []any{"message", raw("\xd4\x01\x00")}, []any{"message", raw("\xd7\x00\x00\x00\x01\x70\x00\x00\x00\x00")},
			[]any{"message", raw("\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x01")}, []any{"message", raw("\xd6\xff\x00\x00\x00\x01")}, []any{"message", raw("\xc7\x01\x00\x2a")},
			[]any{"message", raw("\xc7\x08\x0012345678")}, []any{"message", raw("\xc7\x03\x05abc")}, []any{"message", raw("\xc7\x00\x00")}, []any{"message", raw("\xca\x3f\x80\x00\x00")},
			[]any{"message", raw("\xa2\xff\xfe")}, []any{"message", raw("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00")}, []any{"message", raw("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")},
			[]any{"message", raw("\xd3\x80\x00\x00\x00\x00\x00\x00\x00")}, []any{"message", raw("\x81\x01\xa1x")}, []any{"message", raw("\x81\xc0\xa1x")},
			[]any{"message", object{{"a", 1}, {"a", 2}}}, []any{"message", object{{"__proto__", 1}}}, []any{"message", object{{"__proto__", object{{"x", 1}}}}},
			[]any{"message", nest(13)}, []any{"message", nest(40)}, []any{"message", many(3000)}, []any{"message", many(5000)}, []any{"message-with-ack", raw("\xd4\x00\x00")},
			[]any{"message", object{{"u", raw("\xd4\x00\x00")}, {"v", 1}}})})
	}
	if g.r.IntN(3) == 0 {
		m = append(m, member{"id", pick[any](g.r, 0, 1, -1, 1.5, 2.0, nil, raw("\xd4\x00\x00"), "1", 1<<31, 1<<31+1, 1<<53, raw("\xcc\x05"), raw("\xca\x40\x00\x00\x00"), true)})
	}
	switch g.r.IntN(12) {
	case 0:
		m = append(m, pick(g.r, m...))
	case 1:
		m = append(m, member{"options", nest(30)})
	case 2:
		m = append(m, member{"attachments", 1})
	case 3:
		m = m[1:]
	}
	return string(p.append(nil, m))
}
