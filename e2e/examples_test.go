package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/examples/text/ot"
)

// example builds an example, once, and returns its path.
func example(t *testing.T, name string) string {
	t.Helper()
	binaries.mu.Lock()
	defer binaries.mu.Unlock()
	path := filepath.Join(binaries.dir, "example-"+name)
	err, built := binaries.built[path]
	if !built {
		var out []byte
		if out, err = exec.Command("go", "build", "-o", path, "../examples/"+name).CombinedOutput(); err != nil {
			err = fmt.Errorf("build: %w\n%s", err, out)
		}
		binaries.built[path] = err
	}
	require.NoError(t, err)
	return path
}

// startExample runs an example on a free port and waits until it is ready.
func startExample(t *testing.T, name string, args ...string) *server {
	t.Helper()
	return launch(t, example(t, name), "/readyz", append([]string{"-listen", "127.0.0.1:0"}, args...)...)
}

// node starts a script of js/ with options as JSON.
func node(t *testing.T, name, file string, o options) *player {
	t.Helper()
	arg, err := json.Marshal(o)
	require.NoError(t, err)
	return run(t, name, "node", file, string(arg))
}

// Official clients, each in a process of its own, of both parsers and of v2, on
// every transport, hear each other in one room; one who comes later reads it up.
func TestChatIsSpokenByAllParsersAndVersionsAtOnce(t *testing.T) {
	s := startExample(t, "chat", "-eio3")
	clients := []options{
		{"name": "Ada", "parser": "default", "transports": []string{"websocket"}},
		{"name": "Bob", "parser": "default", "transports": []string{"polling"}},
		{"name": "Cleo", "parser": "msgpack", "transports": []string{"polling", "websocket"}},
		{"name": "Dan", "parser": "msgpack", "transports": []string{"polling"}},
		{"name": "Eve", "parser": "v2", "transports": []string{"websocket"}},
		{"name": "Finn", "parser": "v2", "transports": []string{"polling"}},
		{"name": "Gus", "parser": "v2", "transports": []string{"polling", "websocket"}},
	}
	via := map[string]any{"Ada": "json", "Bob": "json", "Cleo": "msgpack", "Dan": "msgpack", "Eve": "json", "Finn": "json", "Gus": "json"}
	var names []string
	for _, c := range clients {
		names = append(names, fmt.Sprint(c["name"]))
	}
	var running []*player
	for i, c := range clients {
		running = append(running, node(t, names[i], "examples-chat.mjs", options{"url": s.url, "expect": names, "clients": []options{c}}))
	}
	for i, p := range running {
		h := p.until("heard", nil)
		require.Equal(t, via, h["via"])
		transports, ok := clients[i]["transports"].([]string)
		require.True(t, ok)
		require.Equal(t, transports[0], h.str("first"))
		require.Equal(t, transports[len(transports)-1], h.str("last"))
	}
	late := node(t, "late", "examples-chat.mjs", options{"url": s.url, "clients": []options{{"name": "Late", "transports": []string{"websocket"}}}})
	v := late.until("visited", nil)
	require.Equal(t, 7.0, v.num("history"))
	require.Equal(t, []any{"Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Late"}, v["names"])
	require.Equal(t, []any{"bad_payload", "bad_payload", "forbidden", "forbidden"}, late.until("refusals", nil)["codes"])

	long := node(t, "long", "examples-chat.mjs", options{"url": s.url, "clients": []options{{"name": "far too long for a nickname", "transports": []string{"websocket"}}}})
	data, ok := long.until("refused", nil)["data"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "bad_payload", data["code"])
	require.Equal(t, "name", data["path"])
}

// receiptOf posts a notification and returns the answer.
func receiptOf(t *testing.T, s *server, token, body string) (code int, answer map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/notify", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	return resp.StatusCode, answer
}

// The server pushes what is posted over HTTP; the poster learns who has it.
func TestNotificationsArriveAndAreAcked(t *testing.T) {
	s := startExample(t, "notifications", "-token", "secret")
	p := node(t, "users", "examples-notify.mjs", options{"url": s.url, "users": []options{
		{"user": "ada", "parser": "default", "topics": []string{"builds"}},
		{"user": "ada", "parser": "msgpack", "topics": []string{"builds"}},
		{"user": "bob", "parser": "msgpack", "topics": []string{"builds"}, "mute": true},
		{"user": "cleo", "parser": "default", "topics": []string{"news"}, "read": true},
	}})
	for range 4 {
		p.until("ready", nil)
	}
	code, answer := receiptOf(t, s, "wrong", `{}`)
	require.Equal(t, http.StatusUnauthorized, code)
	require.Equal(t, "auth_failed", answer["code"])
	for _, body := range []string{``, `{}`, `{"to":{"all":true}}`, `{"to":{},"title":"x"}`, `{"to":{"all":true,"user":"ada"},"title":"x"}`, `{"titel":"x"}`} {
		code, answer = receiptOf(t, s, "secret", body)
		require.Equal(t, http.StatusBadRequest, code, body)
		require.Equal(t, "bad_payload", answer["code"], body)
	}

	code, answer = receiptOf(t, s, "secret", `{"to":{"topic":"builds"},"title":"Build 17","text":"green"}`)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, 3.0, answer["pages"])
	require.Equal(t, []any{"ada"}, answer["delivered"])
	require.Equal(t, []any{"bob"}, answer["waiting"], "who does not answer has it in the box")
	for range 3 {
		require.Equal(t, "green", p.until("got", func(l line) bool { return l.str("title") == "Build 17" }).str("text"))
	}

	_, answer = receiptOf(t, s, "secret", `{"to":{"user":"cleo"},"title":"For you"}`)
	require.Equal(t, []any{"cleo"}, answer["delivered"])
	read := p.until("inbox", func(l line) bool { return l.str("user") == "cleo" && len(l["titles"].([]any)) == 1 })
	require.Zero(t, read.num("unread"), "read on one page is read on all")

	_, answer = receiptOf(t, s, "secret", `{"to":{"user":"dan"},"title":"While you were out"}`)
	require.Equal(t, []any{}, answer["delivered"])
	require.Equal(t, []any{"dan"}, answer["waiting"])
	dan := node(t, "dan", "examples-notify.mjs", options{"url": s.url, "users": []options{{"user": "dan", "parser": "msgpack"}}})
	inbox := dan.until("inbox", nil)
	require.Equal(t, []any{"While you were out"}, inbox["titles"])
	require.Equal(t, 1.0, inbox.num("unread"))
	node(t, "blanks", "examples-notify.mjs", options{"url": s.url, "users": []options{{"user": "no blanks"}}}).until("refused", nil)
}

// Four typists of both parsers, on both transports, losing their connections.
func TestTextConverges(t *testing.T) {
	s := startExample(t, "text")
	seed := rand.IntN(1 << 20)
	t.Logf("seed %d", seed)
	p := node(t, "typists", "examples-text.mjs", options{"url": s.url, "seed": seed, "words": 60})
	r := p.until("texts", nil)
	require.Equal(t, true, r["same"], "every copy, and the one of who came late: %v", r)
	require.Equal(t, true, r["bases"])
	require.Equal(t, r["expected"], r["words"], "nothing lost, nothing doubled: %v", r)
	require.Equal(t, r["expected"], r["distinct"])
	require.Zero(t, r.num("refused"))
	require.Positive(t, r.num("drops"))
	require.NoError(t, <-p.done)
}

// What cannot be told step by step comes as a whole, and edits survive that too.
func TestTextEditorWithoutHistory(t *testing.T) {
	p := run(t, "editor", "node", "examples-editor.mjs")
	for range 8 {
		c := p.until("case", nil)
		require.Equal(t, c.str("want"), c.str("got"), c.str("name"))
	}
	p.until("end", nil)
}

// drawOp draws an operation on a text of n characters.
func drawOp(r *rand.Rand, n int) ot.Op {
	o := ot.Op{}
	for n > 0 || r.IntN(2) == 0 {
		k := 1 + r.IntN(max(1, n))
		switch kind := r.IntN(3); {
		case kind == 0 || n == 0:
			o = append(o, ot.Part{Insert: string([]rune("a\né😀\"")[r.IntN(5)])})
		case kind == 1:
			o, n = append(o, ot.Part{Keep: k}), n-k
		default:
			o, n = append(o, ot.Part{Remove: k}), n-k
		}
	}
	return o
}

// The twins transform, apply and move alike.
func TestTextTwinsAgree(t *testing.T) {
	type example struct {
		Text  string `json:"text"`
		A     ot.Op  `json:"a"`
		B     ot.Op  `json:"b"`
		A2    ot.Op  `json:"a2"`
		B2    ot.Op  `json:"b2"`
		After string `json:"after"`
		Pos   int    `json:"pos"`
		Moved int    `json:"moved"`
	}
	r := rand.New(rand.NewPCG(1, 2))
	var cases []example
	for range 2000 {
		text := []rune("wörd 😀 text")[:r.IntN(12)]
		e := example{Text: string(text), A: drawOp(r, len(text)), B: drawOp(r, len(text)), Pos: r.IntN(len(text) + 1)}
		var err error
		e.A2, e.B2, err = ot.Transform(e.A, e.B)
		require.NoError(t, err)
		after, err := e.A.Apply(text)
		require.NoError(t, err)
		e.After, e.Moved = string(after), e.A.Move(e.Pos)
		e.A2, e.B2 = append(ot.Op{}, e.A2...), append(ot.Op{}, e.B2...) // [] and not null
		cases = append(cases, e)
	}
	file := filepath.Join(t.TempDir(), "cases.json")
	data, err := json.Marshal(cases)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	checked := run(t, "twin", "node", "examples-ot.mjs", file).until("checked", nil)
	require.Empty(t, checked["wrong"])
	require.Equal(t, 2000.0, checked.num("cases"))
}

var hashed = regexp.MustCompile(`'sha256-[^']+'`)

// Every page in a real browser, twice, without a word on its console: that also
// shows that the content policy lets through what the page needs.
func TestExamplePagesInChromium(t *testing.T) {
	out, err := filepath.Abs("../out/examples")
	require.NoError(t, err)
	urls := options{}
	for name, args := range map[string][]string{"chat": nil, "notifications": {"-token", "secret"}, "text": nil} {
		s := startExample(t, name, args...)
		urls[name] = s.url
		resp, err := http.Get(s.url)
		require.NoError(t, err)
		_ = resp.Body.Close()
		csp := resp.Header.Get("Content-Security-Policy")
		require.Len(t, hashed.FindAllString(csp, -1), 2, csp)
		require.NotContains(t, csp, "unsafe")
	}
	// Two of them behind a proxy, as most pages are.
	urls["chat"] = proxy(t, "nginx", backends("nginx", fmt.Sprint(urls["chat"]))...)
	urls["text"] = proxy(t, "haproxy", backends("haproxy", fmt.Sprint(urls["text"]))...)
	p := node(t, "chromium", "examples-pages.mjs", options{"urls": urls, "token": "secret", "out": out, "chromium": chromium(t)})
	p.until("chat", nil)
	require.Equal(t, []any{"ada"}, p.until("notifications", nil)["delivered"])
	text := p.until("text", nil)
	require.Equal(t, text.str("a"), text.str("b"))
	require.Equal(t, "Ada was here. Written offline. Bob was here. ", text.str("a"))
	require.Empty(t, p.until("end", nil)["errors"], "the browser's console is clean")
	for _, shot := range []string{"chat.png", "notifications.png", "text.png"} {
		st, err := os.Stat(filepath.Join(out, shot))
		require.NoError(t, err)
		require.Greater(t, st.Size(), int64(5000))
	}
}
