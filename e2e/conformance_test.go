package e2e

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
)

// The rules of the protocols, one named case each, spoken byte by byte to the
// conformance server.

// official runs a script of js/conformance and makes each of its tests one here.
func official(t *testing.T, script string) {
	t.Helper()
	s := conformance(t, "--ping-interval", "1s", "--ping-timeout", "20s", "--connect-timeout", "20s")
	each(t, run(t, script, "node", "conformance/"+script, s.url))
}

// each makes each test that a script tells of one here.
func each(t *testing.T, p *player) {
	t.Helper()
	for {
		l := p.until2("test", "end")
		if l.str("ev") == "end" {
			break
		}
		t.Run(l.str("name"), func(t *testing.T) { assert.Equal(t, true, l["ok"], l.str("error")) })
	}
	require.NoError(t, <-p.done)
}

// until2 reads up to either of two lines.
func (p *player) until2(a, b string) line {
	p.t.Helper()
	select {
	case l, more := <-p.lines:
		require.True(p.t, more, "%s ended early", p.name)
		require.Contains(p.t, []string{a, b}, l.str("ev"))
		return l
	case <-time.After(patience):
		require.FailNow(p.t, "timeout", p.name)
		return nil
	}
}

func TestOfficialClientEvents(t *testing.T) { t.Parallel(); official(t, "events.mjs") }

func TestOfficialClientLife(t *testing.T) { t.Parallel(); official(t, "life.mjs") }

// The official client of Socket.IO v2 plays with the switch on, and is refused
// with it off.
func TestOfficialClientOfV2(t *testing.T) {
	t.Parallel()
	timers := []string{"--ping-interval", "500ms", "--ping-timeout", "20s", "--connect-timeout", "20s"}
	open := conformance(t, append(timers, "--eio3")...)
	shut := conformance(t, timers...)
	each(t, run(t, "v2", "node", "conformance/v2.mjs", open.url, shut.url))
}

// answerTo sends a request as it stands, without a client's help.
func answerTo(t *testing.T, s *server, method, uri string, headers map[string]string, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+uri, strings.NewReader(body))
	require.NoError(t, err)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(b)
}

// session opens a polling session and returns its URI.
func session(t *testing.T, s *server) string {
	t.Helper()
	const base = "/engine.io/"
	_, body := answerTo(t, s, "GET", base+"?EIO=4&transport=polling", nil, "")
	o, err := enginetest.ParseOpen(body)
	require.NoError(t, err)
	return base + "?EIO=4&transport=polling&sid=" + o.SID
}

const (
	unknownTransport = `{"code":0,"message":"Transport unknown"}`
	unknownSID       = `{"code":1,"message":"Session ID unknown"}`
	badMethod        = `{"code":2,"message":"Bad handshake method"}`
	badRequest       = `{"code":3,"message":"Bad request"}`
	forbidden        = `{"code":4,"message":"Forbidden"}`
	badVersion       = `{"code":5,"message":"Unsupported protocol version"}`
)

// Error answers, in the order of the checks.
func TestEngineErrorAnswers(t *testing.T) {
	t.Parallel()
	s := conformance(t)
	sid := strings.TrimPrefix(session(t, s), "/engine.io/?EIO=4&transport=polling")
	upgrade := map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	}
	for name, tc := range map[string]struct {
		method, query string
		headers       map[string]string
		status        int
		body          string
	}{
		"no transport":                      {"GET", "?EIO=4", nil, 400, unknownTransport},
		"unknown transport":                 {"GET", "?EIO=4&transport=abc", nil, 400, unknownTransport},
		"webtransport over HTTP":            {"GET", "?EIO=4&transport=webtransport", nil, 400, unknownTransport},
		"a transport like a property":       {"GET", "?EIO=4&transport=constructor", nil, 400, unknownTransport},
		"unknown sid":                       {"GET", "?EIO=4&transport=polling&sid=abc", nil, 400, unknownSID},
		"sid like a property":               {"GET", "?EIO=4&transport=polling&sid=__proto__", nil, 400, unknownSID},
		"POST without sid":                  {"POST", "?EIO=4&transport=polling", nil, 400, badMethod},
		"PUT without sid":                   {"PUT", "?EIO=4&transport=polling", nil, 400, badMethod},
		"DELETE of a session":               {"DELETE", "?EIO=4&transport=polling" + sid, nil, 400, badRequest},
		"websocket without Upgrade":         {"GET", "?EIO=4&transport=websocket", nil, 400, badRequest},
		"sid with the other transport":      {"GET", "?EIO=4&transport=websocket" + sid, nil, 400, badRequest},
		"another EIO than the session's":    {"GET", "?EIO=3&transport=polling" + sid, nil, 400, badRequest},
		"EIO 3":                             {"GET", "?EIO=3&transport=polling", nil, 400, badVersion},
		"no EIO":                            {"GET", "?transport=polling", nil, 400, badVersion},
		"EIO of words":                      {"GET", "?EIO=abc&transport=polling", nil, 400, badVersion},
		"a foreign Origin":                  {"GET", "?EIO=4&transport=polling", map[string]string{"Origin": "https://evil.example"}, 403, forbidden},
		"WebSocket of a foreign Origin":     {"GET", "?EIO=4&transport=websocket", with(upgrade, "Origin", "https://evil.example"), 400, "Forbidden"},
		"WebSocket of an unknown sid":       {"GET", "?EIO=4&transport=websocket&sid=abc", upgrade, 400, "Session ID unknown"},
		"WebSocket of an unknown transport": {"GET", "?EIO=4&transport=abc", upgrade, 400, "Transport unknown"},
		"WebSocket of EIO 3, before 101":    {"GET", "?EIO=3&transport=websocket", upgrade, 400, "Unsupported protocol version"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := answerTo(t, s, tc.method, "/engine.io/"+tc.query, tc.headers, "")
			require.Equal(t, tc.status, resp.StatusCode)
			require.Equal(t, tc.body, body)
			want := "application/json"
			if !strings.HasPrefix(tc.body, "{") {
				want = "text/html"
			}
			require.Equal(t, want, resp.Header.Get("Content-Type"))
		})
	}
	resp, _ := answerTo(t, s, "GET", "/socket.io?EIO=4&transport=polling", nil, "")
	require.NotEqual(t, 200, resp.StatusCode, "the path has a slash at its end")
}

func with(headers map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	maps.Copy(out, headers)
	return out
}

// What polling answers look like, and each way to break a session.
func TestPollingRules(t *testing.T) {
	t.Parallel()
	s := conformance(t, "--ping-interval", "25s", "--ping-timeout", "20s")
	type exchange struct {
		send   string // the body of a POST; "GET" for a GET
		status int
		body   string
	}
	octets := map[string]string{"Content-Type": "application/octet-stream"}
	plain := map[string]string{"Content-Type": "text/plain;charset=UTF-8"}
	for name, tc := range map[string]struct {
		headers map[string]string
		steps   []exchange
	}{
		"messages come back joined by a record separator": {plain, []exchange{{"4a\x1e4b\x1e4c", 200, "ok"}, {"GET", 200, "4a\x1e4b\x1e4c"}}},
		"binary is base64 behind a b":                     {plain, []exchange{{"bAQIDBA==", 200, "ok"}, {"GET", 200, "bAQIDBA=="}}},
		"text and binary mixed":                           {plain, []exchange{{"4hello\x1ebAQIDBA==\x1e4", 200, "ok"}, {"GET", 200, "4hello\x1ebAQIDBA==\x1e4"}}},
		"pitfall 8: base64 that starts with a 4":          {plain, []exchange{{"b4AAA", 200, "ok"}, {"GET", 200, "b4AAA"}}},
		"pitfall 11: empty binary is legal":               {plain, []exchange{{"b", 200, "ok"}, {"GET", 200, "b"}}},
		"pitfall 10: a thousand packets in one payload":   {plain, []exchange{{strings.Repeat("6\x1e", 999) + "4x", 200, "ok"}, {"GET", 200, "4x"}}},
		"pitfall 24: a pong that nobody asked for":        {plain, []exchange{{"3\x1e3\x1e4x", 200, "ok"}, {"GET", 200, "4x"}}},
		"open, upgrade and noop of a client are ignored":  {plain, []exchange{{"0\x1e5\x1e6\x1e4x", 200, "ok"}, {"GET", 200, "4x"}}},
		"astral text":                                      {plain, []exchange{{"4😀€", 200, "ok"}, {"GET", 200, "4😀€"}}},
		"a ping of the client is a violation":              {plain, []exchange{{"2", 400, ""}, {"GET", 400, unknownSID}}},
		"an unknown packet type":                           {plain, []exchange{{"abc", 400, ""}, {"GET", 400, unknownSID}}},
		"an empty packet":                                  {plain, []exchange{{"4a\x1e\x1e4b", 400, ""}, {"GET", 400, unknownSID}}},
		"an empty payload":                                 {plain, []exchange{{"", 400, ""}, {"GET", 400, unknownSID}}},
		"base64 that is none":                              {plain, []exchange{{"b$$$$", 400, ""}, {"GET", 400, unknownSID}}},
		"GHSA-r635-g3xr-vw7x: octets are answered":         {octets, []exchange{{"4a", 400, ""}, {"GET", 400, unknownSID}}},
		"a payload above the limit is 413, with no answer": {plain, []exchange{{"4" + strings.Repeat("x", 1_000_000), 413, ""}}},
		"a payload at the limit":                           {plain, []exchange{{"4" + strings.Repeat("x", 999_999), 200, "ok"}}},
		"the client's close, then nothing":                 {plain, []exchange{{"1", 200, "ok"}, {"GET", 200, "6"}, {"GET", 400, unknownSID}}},
	} {
		t.Run(name, func(t *testing.T) {
			uri := session(t, s)
			for _, x := range tc.steps {
				method, body := "POST", x.send
				if x.send == "GET" {
					method, body = "GET", ""
				}
				resp, got := answerTo(t, s, method, uri, tc.headers, body)
				require.Equal(t, x.status, resp.StatusCode, "%.40q: %.200q", x.send, got)
				require.Equal(t, x.body, got)
				if x.status == 200 {
					require.Equal(t, "no-store", strings.ToLower(resp.Header.Get("Cache-Control")))
					want := map[string]string{"POST": "text/html", "GET": "text/plain; charset=UTF-8"}[method]
					require.Equal(t, want, resp.Header.Get("Content-Type"))
				}
			}
		})
	}
}

// talkWS plays lines on a raw WebSocket: ">text" and "<text" are packets,
// ">#hex" and "<#hex" binary ones, "x" a close by the server with any code,
// "x1009" with that one. "<~pattern" is a regular expression.
func talkWS(t *testing.T, s *server, uri string, lines []string) {
	t.Helper()
	ws, err := enginetest.DialWS(strings.TrimPrefix(s.url, "http://"), uri)
	require.NoError(t, err)
	defer ws.Close()
	_, err = ws.ReadOpen()
	require.NoError(t, err)
	for _, l := range lines {
		_ = ws.SetDeadline(time.Now().Add(patience))
		kind, rest := l[0], l[1:]
		packed, isHex := strings.CutPrefix(rest, "#")
		data, err := hex.DecodeString(strings.ReplaceAll(packed, " ", ""))
		require.True(t, err == nil || !isHex, l)
		switch {
		case kind == '>' && isHex:
			_ = ws.SendBinary(data) // a server that has closed is found out below
		case kind == '>':
			_ = ws.Send(rest)
		default:
			expectWS(t, ws, l, string(data), isHex)
		}
	}
}

func expectWS(t *testing.T, ws *enginetest.WS, l, data string, isHex bool) {
	t.Helper()
	op, got, err := ws.ReadFrame()
	for err == nil && op == enginetest.OpText && string(got) == "2" && l != "<2" {
		op, got, err = ws.ReadFrame()
	}
	if l[0] == 'x' {
		closed := errors.Is(err, io.EOF) || errors.As(err, new(*net.OpError))
		require.True(t, closed || op == enginetest.OpClose, "still open: %q", got)
		if len(l) > 1 {
			require.Equal(t, l[1:], fmt.Sprint(int(got[0])<<8|int(got[1])))
		}
		return
	}
	require.NoError(t, err, "%s: opcode %d %q", l, op, got)
	switch pattern, isPattern := strings.CutPrefix(l, "<~"); {
	case strings.HasPrefix(l, "<="):
		require.Equal(t, byte(enginetest.OpBinary), op, "%q", got)
		require.Regexp(t, "^"+l[2:]+"$", hex.EncodeToString(got))
	case isHex:
		require.Equal(t, byte(enginetest.OpBinary), op, "%q", got)
		require.Equal(t, hex.EncodeToString([]byte(data)), hex.EncodeToString(got))
	case isPattern:
		require.Regexp(t, regexp.MustCompile("^"+pattern+"$"), string(got))
	default:
		require.Equal(t, byte(enginetest.OpText), op, "%q", got)
		require.Equal(t, l[1:], string(got))
	}
}

const wsQuery = "?EIO=4&transport=websocket"

// Engine.IO packets on a WebSocket.
func TestEngineWebSocketRules(t *testing.T) {
	t.Parallel()
	s := conformance(t, "--ping-interval", "25s", "--ping-timeout", "20s")
	for name, lines := range map[string][]string{
		"text comes back as text":                           {">4hello", "<4hello"},
		"binary comes back as binary":                       {">#010204ff", "<#010204ff"},
		"empty text message":                                {">4", "<4"},
		"pitfall 11: empty binary message":                  {">#", "<#"},
		"binary has no type":                                {">#34313233", "<#34313233"},
		"a record separator is text here":                   {">4a\x1e4b", "<4a\x1e4b"},
		"pitfall 24: a pong that nobody asked for":          {">3", ">3x", ">4x", "<4x"},
		"open, upgrade and noop are ignored":                {">0{}", ">5", ">6", ">4x", "<4x"},
		"a ping of the client ends it":                      {">2", "x"},
		"a probe on an open session ends it":                {">2probe", "x"},
		"close ends it at once":                             {">1", "x"},
		"an unknown type ends it":                           {">abc", "x"},
		"an empty packet ends it":                           {">", "x"},
		"base64 is for polling alone":                       {">bAQIDBA==", "x"},
		"a message at the limit":                            {">4" + strings.Repeat("x", 999_999), "<4" + strings.Repeat("x", 999_999)},
		"a message above it is 1009":                        {">4" + strings.Repeat("x", 1_000_000), "x1009"},
		"pitfall 5: order is kept over many small messages": {">4a", ">4b", ">4c", "<4a", "<4b", "<4c"},
	} {
		t.Run(name, func(t *testing.T) { talkWS(t, s, "/engine.io/"+wsQuery, lines) })
	}
}

const (
	sidAnswer  = `<~40\{"sid":"[\w-]{20}"\}`
	chatJoined = `<~40/chat,\{"sid":"[\w-]{20}"\}`
	chatJoin   = `>40/chat,{"token":"open"}`
)

// The default parser and the states of a connection.
func TestSocketIORules(t *testing.T) {
	t.Parallel()
	s := conformance(t, "--ping-interval", "25s", "--ping-timeout", "20s", "--connect-timeout", "20s")
	joined := func(more ...string) []string {
		return append([]string{">40", sidAnswer, `<42["auth",{}]`}, more...)
	}
	echo := []string{`>42["message"]`, `<42["message-back"]`}
	for name, lines := range map[string][]string{
		"CONNECT is answered with sid alone":                     joined(),
		"CONNECT with an empty object":                           {">40{}", sidAnswer},
		"CONNECT to / by its name":                               {">40/,", sidAnswer},
		"the auth payload as it was sent, order and all":         {`>40{"z":1,"a":{"<b>":"&"}}`, sidAnswer, `<42["auth",{"z":1,"a":{"<b>":"&"}}]`},
		"a namespace without comma":                              {">40/custom", `<~40/custom,\{"sid":".*"\}`, `<42/custom,["auth",{}]`},
		"a namespace with comma and payload":                     {`>40/custom,{"a":1}`, `<~40/custom,\{"sid":".*"\}`, `<42/custom,["auth",{"a":1}]`},
		"an unknown namespace is refused, the connection stays":  {">40/random", `<44/random,{"message":"Invalid namespace"}`, ">40", sidAnswer},
		"a query is part of the name":                            {">40/custom?a=b,", `<44/custom?a=b,{"message":"Invalid namespace"}`},
		"a middleware's refusal":                                 {`>40/chat,{"token":"x"}`, `<44/chat,{"message":"not allowed","data":{"code":"auth_failed","msg":"not allowed"}}`, chatJoin, chatJoined},
		"event, no arguments":                                    joined(echo...),
		"event, arguments in their spelling":                     joined(`>42["message",1.50,"\u00e9<>&",{"b":1,"a":[]}]`, `<~42\["message-back",1\.50?,"é<>&",\{"b":1,"a":\[\]\}\]`),
		"ack with id":                                            joined(`>42456["message-with-ack",1,"2",{"3":[false]}]`, `<43456[1,"2",{"3":[false]}]`),
		"ack id 0":                                               joined(`>420["message-with-ack"]`, `<430[]`),
		"go: the largest ack id":                                 joined(`>422147483648["message-with-ack"]`, `<432147483648[]`),
		"binary event":                                           joined(`>452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, ">#010203", ">#04", `<452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "<#010203", "<#04"),
		"binary ack with id":                                     joined(`>452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, ">#010203", ">#04", `<462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "<#010203", "<#04"),
		"attachments go where their number says":                 joined(`>452-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`, ">#aa", ">#bb", `<452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "<#bb", "<#aa"),
		"a placeholder without attachments is an object":         joined(`>42["message",{"_placeholder":true,"num":0}]`, `<42["message-back",{"_placeholder":true,"num":0}]`),
		"a numeric event name":                                   joined(append([]string{`>42[5,"x"]`}, echo...)...),
		"CVE-2024-38355: the event error is ordinary":            joined(append([]string{`>42["error","x"]`}, echo...)...),
		"an unknown event is ignored":                            joined(append([]string{`>42["nobody"]`, `>427["nobody"]`}, echo...)...),
		"an ack of an unknown id is ignored":                     joined(append([]string{`>4377["x"]`}, echo...)...),
		"leave and come back":                                    joined(">41", ">40", sidAnswer, `<42["auth",{}]`),
		"leaving one namespace leaves the others":                {">40", sidAnswer, `<42["auth",{}]`, ">40/custom,", `<~40/custom,.*`, `<42/custom,["auth",{}]`, ">41/custom,", echo[0], echo[1]},
		"pitfall 19: kicked, then nothing is heard of it":        {chatJoin, chatJoined, `>42/chat,["kick"]`, "<41/chat,", `>42/chat,["twice"]`, ">40", sidAnswer},
		"bye says so in every namespace, then closes":            {chatJoin, chatJoined, `>42/chat,["bye"]`, "<41/chat,", "x"},
		"pitfall 18: nothing between a header and its parts":     {chatJoin, chatJoined, `>42/chat,["blob"]`, `<452-/chat,["blob",{"_placeholder":true,"num":0},"between",{"deep":[{"_placeholder":true,"num":1}]}]`, "<#010203", "<#"},
		"event before CONNECT":                                   {`>42["message"]`, "x"},
		"event to a namespace not joined":                        joined(`>42/chat,["rooms"]`, "x"),
		"event after DISCONNECT":                                 joined(">41", `>42["message"]`, "x"),
		"ack to a namespace not joined":                          joined(`>43/chat,1[]`, "x"),
		"DISCONNECT of a namespace not joined":                   joined(">41/chat,", "x"),
		"CONNECT twice":                                          joined(">40", "x"),
		"CONNECT_ERROR from a client":                            joined(`>44{"message":"x"}`, "x"),
		"CONNECT with an array":                                  {">40[]", "x"},
		"CONNECT with null":                                      {">40null", "x"},
		"DISCONNECT with a payload":                              joined(">41{}", "x"),
		"binary without header":                                  joined(">#01", "x"),
		"text while an attachment is missing":                    joined(`>451-["message",{"_placeholder":true,"num":0}]`, `>42["message"]`, "x"),
		"a placeholder out of range":                             joined(`>451-["message",{"_placeholder":true,"num":1}]`, ">#01", "x"),
		"CVE-2022-2421: a placeholder's number is no text":       joined(`>451-["message",{"_placeholder":true,"num":"splice"}]`, ">#01", "x"),
		"CVE-2023-32695: a name that is an object":               joined(`>42[{"toString":"foo"}]`, "x"),
		"CVE-2026-33151: more than ten attachments":              joined(">4511-[]", "x"),
		"CVE-2026-69185: no attachments announced":               joined(`>450-["message"]`, "x"),
		"attachments without number":                             joined(`>45["message"]`, "x"),
		"a reserved name":                                        joined(`>42["disconnect"]`, "x"),
		"an event without name":                                  joined(">42[]", "x"),
		"an event that is no array":                              joined(`>42{"0":"message"}`, "x"),
		"JSON that ends early":                                   joined(`>42["message"`, "x"),
		"go: bytes behind the JSON":                              joined(`>42["message"]]`, "x"),
		"an unknown packet type":                                 joined(">47", "x"),
		"an empty packet":                                        joined(">4", "x"),
		"a bomb of arrays":                                       joined(`>42["message",`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+"]", "x"),
		"before CONNECT a message is small":                      {">40" + `{"a":"` + strings.Repeat("x", 9000) + `"}`, "x1009"},
		"go: ids beyond 2^53 are not rounded but refused":        joined(`>429007199254740993["message-with-ack"]`, "x"),
		"the parser is locked: binary on a connection of text":   joined(">#83a474797065 00 a36e7370 a7 2f637573746f6d", "x"),
		"a message of the engine stays out of it: pong and noop": joined(append([]string{">3", ">6"}, echo...)...),
	} {
		t.Run(name, func(t *testing.T) { talkWS(t, s, "/socket.io/"+wsQuery, lines) })
	}
}
