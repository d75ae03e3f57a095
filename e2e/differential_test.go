package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	// differentialCount is how many scripts run without DIFFERENTIAL=n.
	differentialCount = 500
	// unintendedMost ends a hopeless run.
	unintendedMost = 20
)

// rivals are the addresses of both servers, by parser.
type rivals struct {
	node map[bool]string
	ours string
}

// conformance starts the conformance server.
func conformance(t *testing.T, args ...string) *server {
	t.Helper()
	return launch(t, command(t, "conformance"), "/stats", append([]string{"--listen", "127.0.0.1:0"}, args...)...)
}

// startReference starts the Node servers.
func startReference(t *testing.T) map[bool]string {
	t.Helper()
	cmd := exec.Command("node", "reference.mjs")
	cmd.Dir = "js"
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(stderr.String())
		}
	})
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan(), "the reference did not start: %s", stderr.String())
	var ready struct{ JSON, Msgpack int }
	require.NoError(t, json.Unmarshal(lines.Bytes(), &ready))
	go func() {
		for lines.Scan() {
			_, _ = fmt.Fprintln(&stderr, lines.Text())
		}
	}()
	return map[bool]string{
		false: fmt.Sprintf("127.0.0.1:%d", ready.JSON),
		true:  fmt.Sprintf("127.0.0.1:%d", ready.Msgpack),
	}
}

func startRivals(t *testing.T) rivals {
	t.Helper()
	ours := conformance(t, "--ping-interval", "25s", "--ping-timeout", "20s", "--connect-timeout", "45s")
	return rivals{node: startReference(t), ours: strings.TrimPrefix(ours.url, "http://")}
}

// seen is what the two clients of a script heard of one step.
type seen struct {
	heard [2][]string
	over  [2]string
}

func (s seen) String() string {
	var b strings.Builder
	for who := range 2 {
		for _, h := range s.heard[who] {
			fmt.Fprintf(&b, "\n      %c hears %s", 'A'+who, shorten(h))
		}
		if s.over[who] != "" {
			fmt.Fprintf(&b, "\n      %c is %s", 'A'+who, s.over[who])
		}
	}
	if b.Len() == 0 {
		return " nothing"
	}
	return b.String()
}

func (s seen) equal(o seen) bool {
	return s.over == o.over && slices.Equal(s.heard[0], o.heard[0]) && slices.Equal(s.heard[1], o.heard[1])
}

// perform plays a script against one server.
func perform(s script, addr string) ([]seen, error) {
	var peers [2]*peer
	for i := range peers {
		p, err := dial(addr, s.msgpack)
		if err != nil {
			return nil, err
		}
		defer p.ws.Close()
		peers[i] = p
		if i == 1 || !s.cold {
			p.settle("")
		}
	}
	out := make([]seen, 0, len(s.steps))
	for _, st := range s.steps {
		if p := peers[st.who]; p.over == "" {
			p.send(st.messages)
			if !p.synced && otherParser(s.msgpack, st.messages[0]) {
				p.read(func(packet) bool { return false })
			}
			p.settle(st.want)
		}
		peers[1-st.who].settle("")
		var now seen
		for i, p := range peers {
			now.heard[i], now.over[i] = disconnectsInOrder(p.heard), p.over
			p.heard = nil
		}
		out = append(out, now)
	}
	return out, nil
}

// disconnectsInOrder sorts DISCONNECTs that follow each other: in which order a
// connection leaves its namespaces says nothing.
func disconnectsInOrder(heard []string) []string {
	for i := range heard {
		n := i
		for n < len(heard) && strings.HasPrefix(heard[n], "1 ") {
			n++
		}
		slices.Sort(heard[i:n])
	}
	return heard
}

// otherParser reports whether a message is of the parser that the client has
// not: it is answered in that one, or with a close.
func otherParser(msgpack bool, m message) bool {
	return m.binary != msgpack && (m.binary || strings.HasPrefix(m.data, "4"))
}

// inOneBreath reports whether the servers differ only in how much they answered
// before they found the violation behind it: Node drops what came in one read
// with it, so that its answer depends on the network.
func inOneBreath(st step, node, ours seen) bool {
	a, b := node.heard[st.who], ours.heard[st.who]
	n := min(len(a), len(b))
	return len(st.messages) > 1 && node.over == ours.over && node.over[st.who] == "closed" && slices.Equal(a[:n], b[:n])
}

// divergence is the first step of a script on which the servers differ.
type divergence struct {
	script     script
	at         int
	node, ours seen
	rule       string // "": not intended
}

func (d *divergence) step() step { return d.script.steps[d.at] }

// closedByOurs says that only our server ended the session of the step, or ours
// at an earlier message of it.
func (d *divergence) closedByOurs() bool {
	who := d.step().who
	return d.ours.over[who] == "closed" && (d.node.over[who] == "" || len(d.node.heard[who]) > len(d.ours.heard[who]))
}

// closedByNode is the opposite.
func (d *divergence) closedByNode() bool {
	who := d.step().who
	return d.node.over[who] == "closed" && d.ours.over[who] == ""
}

func (d *divergence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, msgpack %t, cold %t, rule %q\n", d.script.seed, d.script.msgpack, d.script.cold, d.rule)
	for i, st := range d.script.steps[:d.at+1] {
		fmt.Fprintf(&b, "  %d. %c sends (%s)", i+1, 'A'+st.who, st.about)
		for _, m := range st.messages {
			kind := "text"
			if m.binary {
				kind = "binary"
			}
			fmt.Fprintf(&b, " %s %s", kind, shorten(strconv.Quote(m.data)))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "    Node:%s\n    ours:%s\n", d.node, d.ours)
	return b.String()
}

func shorten(s string) string {
	if len(s) > 500 {
		return s[:400] + fmt.Sprintf("… (%d)", len(s))
	}
	return s
}

// compare plays a script on both servers and returns the first difference.
func (r rivals) compare(t *testing.T, s script) *divergence {
	t.Helper()
	var node, ours []seen
	var nodeErr, oursErr error
	var both sync.WaitGroup
	both.Go(func() { node, nodeErr = perform(s, r.node[s.msgpack]) })
	both.Go(func() { ours, oursErr = perform(s, r.ours) })
	both.Wait()
	require.NoError(t, nodeErr, "Node")
	require.NoError(t, oursErr, "ours")
	for i := range node {
		if !node[i].equal(ours[i]) && !inOneBreath(s.steps[i], node[i], ours[i]) {
			d := &divergence{script: s, at: i, node: node[i], ours: ours[i]}
			d.rule = explain(d)
			return d
		}
		if node[i].over != [2]string{} && node[i].over[s.steps[i].who] != "" && ended(node[i:]) {
			break
		}
	}
	return nil
}

func ended(rest []seen) bool { return rest[0].over[0] != "" && rest[0].over[1] != "" }

// shrink drops steps while an unintended difference remains.
func (r rivals) shrink(t *testing.T, d *divergence) *divergence {
	t.Helper()
	for i := d.at - 1; i >= 0; i-- {
		s := d.script
		s.steps = slices.Delete(slices.Clone(d.script.steps[:d.at+1]), i, i+1)
		if i == 0 && s.cold {
			continue
		}
		if less := r.compare(t, s); less != nil && less.rule == "" {
			d = less
			i = min(i, d.at)
		}
	}
	return d
}

// envNumber is a number from the environment.
func envNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(v, 10, 64)
	require.NoError(t, err, name)
	return n
}

// Scripts made from a seed are played on our server and on the Node reference,
// and the transcripts compared step by step. Only the differences of
// docs/DIFFERENCES.md are allowed. DIFFERENTIAL=n plays n scripts,
// DIFFERENTIAL_SEED=s starts with another seed.
func TestDifferential(t *testing.T) {
	count := envNumber(t, "DIFFERENTIAL", differentialCount)
	start := envNumber(t, "DIFFERENTIAL_SEED", 1)
	r := startRivals(t)
	intended, steps, unintended := map[string]int{}, 0, 0
	for seed := start; seed < start+count; seed++ {
		s := generate(seed)
		steps += len(s.steps)
		d := r.compare(t, s)
		if d == nil {
			continue
		}
		if d.rule != "" {
			intended[d.rule]++
			continue
		}
		t.Errorf("not intended:\n%s", r.shrink(t, d))
		if unintended++; unintended == unintendedMost {
			t.Fatal("enough")
		}
	}
	t.Logf("%d scripts, %d steps, intended differences: %v", count, steps, intended)
}

var differenceRow = regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|")

// Each row of docs/DIFFERENCES.md is a rule here, and its example still shows
// that difference and no other.
func TestDifferencesAreWhatTheListSays(t *testing.T) {
	page, err := os.ReadFile("../docs/DIFFERENCES.md")
	require.NoError(t, err)
	var listed, known []string
	for _, m := range differenceRow.FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, m[1])
	}
	for _, rule := range rules() {
		known = append(known, rule.name)
	}
	require.ElementsMatch(t, known, listed)
	r := startRivals(t)
	for _, rule := range rules() {
		examples := examples()[rule.name]
		require.NotEmpty(t, examples, rule.name)
		for _, s := range examples {
			d := r.compare(t, s)
			require.NotNil(t, d, "%s: the servers agree on %v", rule.name, s.steps)
			require.Equal(t, rule.name, d.rule, d.String())
		}
	}
}
