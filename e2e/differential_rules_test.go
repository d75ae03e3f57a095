package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The bounds of the server that scripts go beyond.
const (
	nameMost      = 256
	namespaceMost = 256
	ackMost       = 1 << 31
	depthMost     = 16
	itemsMost     = 4096
)

// explain names the rule that intends a difference, or returns "". The rules
// are the rows of docs/DIFFERENCES.md.
func explain(d *divergence) string {
	for _, r := range rules() {
		if r.match(d) {
			return r.name
		}
	}
	return ""
}

type rule struct {
	name  string
	match func(*divergence) bool
}

func rules() []rule {
	var all []rule
	// What the reference lets pass and we end the connection for.
	for _, name := range []string{
		"payload-missing", "id-misplaced", "ack-without-id", "ack-id-form", "event-name", "event-not-an-event", "namespace-form", "payload-too-big",
		"attachments-form", "attachments-each-once", "packet-type-form",
		"msgpack-integer-form", "msgpack-extension", "msgpack-utf8", "msgpack-key", "msgpack-key-twice",
	} {
		all = append(all, rule{name, func(d *divergence) bool { return d.closedByOurs() && slices.Contains(oddities(d), name) }})
	}
	return append(all,
		rule{"engine-close", func(d *divergence) bool {
			m := d.step().messages[0]
			return !m.binary && strings.HasPrefix(m.data, "1") && d.closedByOurs()
		}},
		rule{"parser-by-first-message", func(d *divergence) bool {
			m := d.step().messages[0]
			return d.script.cold && d.at == 0 && m.binary != d.script.msgpack && strings.HasPrefix(d.ours.over[d.step().who], "broken")
		}},
		rule{"nil-is-absent", func(d *divergence) bool {
			return d.closedByNode() && slices.Contains(oddities(d), "nil-is-absent")
		}},
		rule{"in-flight-after-disconnect", func(d *divergence) bool {
			return d.closedByNode() && slices.ContainsFunc(d.script.steps[:d.at], func(st step) bool { return strings.HasSuffix(st.about, "kick") && st.who == d.step().who })
		}},
		rule{"lone-surrogate", func(d *divergence) bool { return !d.script.msgpack && sameButHalves(d) }},
		rule{"reference-large-numbers", func(d *divergence) bool { return d.script.msgpack && sameButLarge(d) }},
		rule{"reference-proto-key", func(d *divergence) bool {
			return d.ours.over == d.node.over && d.script.msgpack && strings.Contains(d.ours.String(), `"__proto__":`)
		}},
		rule{"blank-is-no-ack-id", func(d *divergence) bool {
			return d.ours.over == d.node.over && slices.Contains(oddities(d), "blank-is-no-ack-id")
		}},
		rule{"number-not-finite", func(d *divergence) bool {
			return d.ours.over == d.node.over && slices.Contains(oddities(d), "number-not-finite")
		}},
	)
}

// oddities are what is odd about the packets of the step, by the names of the
// rules.
func oddities(d *divergence) []string {
	var out []string
	for i, m := range d.step().messages {
		switch {
		case d.script.msgpack && m.binary:
			out = append(out, oddPacked(m.data)...)
		case !d.script.msgpack && !m.binary && strings.HasPrefix(m.data, "4"):
			out = append(out, oddText(m.data[1:], d.step().messages[i+1:])...)
		}
	}
	return out
}

var canonicalID = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// oddText reads a packet as socket.io-parser does.
func oddText(s string, rest []message) []string {
	var odd []string
	note := func(is bool, what string) {
		if is {
			odd = append(odd, what)
		}
	}
	kind, s := s[:min(1, len(s))], s[min(1, len(s)):]
	note(kind != "" && isBlank(rune(kind[0])), "packet-type-form")
	attachments := 0
	if kind == "5" || kind == "6" {
		count, after, _ := strings.Cut(s, "-")
		n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimPrefix(count, "0x")), 64)
		attachments = int(n)
		note(err == nil && !canonicalID.MatchString(count), "attachments-form")
		s = after
	}
	if strings.HasPrefix(s, "/") {
		nsp, after, _ := strings.Cut(s, ",")
		note(len(nsp) > namespaceMost, "namespace-form")
		s = after
	}
	id := s[:len(s)-len(strings.TrimLeftFunc(s, func(r rune) bool { return r >= '0' && r <= '9' || isBlank(r) }))]
	payload := s[len(id):]
	note(id != "" && strings.TrimFunc(id, isBlank) == "", "blank-is-no-ack-id")
	if id != "" {
		n, err := strconv.ParseUint(id, 10, 64)
		note(!canonicalID.MatchString(id) || err != nil || n > ackMost, "ack-id-form")
		note(strings.Contains("014", kind), "id-misplaced")
	}
	note(strings.Contains("2356", kind) && payload == "", "payload-missing")
	note(id == "" && (kind == "3" || kind == "6"), "ack-without-id")
	return append(odd, oddJSON(kind, payload, attachments, rest)...)
}

// isBlank says what JavaScript takes for the number 0.
func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

// surrogates finds escaped backslashes, pairs of surrogates and halves of them.
var surrogates = regexp.MustCompile(`\\\\|(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(\\ud[89a-f][0-9a-f]{2})`)

// half stands for half of a surrogate pair in what was heard.
const half = "(half)"

// markHalves makes halves visible, which encoding/json would replace.
func markHalves(s string) string {
	return surrogates.ReplaceAllStringFunc(s, func(m string) string {
		if len(m) == len(`\ud800`) {
			return half
		}
		return m
	})
}

// sameButHalves reports whether the servers differ in nothing but halves of
// surrogate pairs, which ours replaced.
func sameButHalves(d *divergence) bool {
	for who := range 2 {
		whole := func(s string) string { return strings.ReplaceAll(s, half, "\ufffd") }
		if !slices.EqualFunc(d.node.heard[who], d.ours.heard[who], func(a, b string) bool { return whole(a) == b }) {
			return false
		}
	}
	return d.node.over == d.ours.over
}

func oddJSON(kind, payload string, attachments int, rest []message) []string {
	var odd []string
	depth, items := jsonSize(payload)
	if depth > depthMost || items > itemsMost {
		odd = append(odd, "payload-too-big")
	}
	var v []any
	if err := json.Unmarshal([]byte(payload), &v); err != nil {
		if strings.Contains(err.Error(), "cannot unmarshal number") {
			odd = append(odd, "number-not-finite")
			if len(v) > 0 && v[0] == nil {
				odd = append(odd, "event-name")
			}
		}
		return odd
	}
	if name, ok := first(v).(string); ok && (kind == "2" || kind == "5") && (name == "" || len(name) > nameMost) {
		odd = append(odd, "event-name")
	}
	if attachments > 0 && len(rest) >= attachments && !eachOnce(v, attachments) {
		odd = append(odd, "attachments-each-once")
	}
	return odd
}

func first(v []any) any {
	if len(v) == 0 {
		return nil
	}
	return v[0]
}

// jsonSize counts what the server bounds.
func jsonSize(s string) (depth, items int) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	open := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return depth, items
		}
		switch tok {
		case json.Delim('['), json.Delim('{'):
			open++
			depth = max(depth, open)
			items++
		case json.Delim(']'), json.Delim('}'):
			open--
		default:
			items++
		}
	}
}

// eachOnce reports whether placeholders stand for every attachment once and
// look as every client writes them.
func eachOnce(v any, attachments int) bool {
	used := make([]int, attachments)
	proper := true
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			num, isNum := v["num"].(float64)
			if v["_placeholder"] == true {
				if isNum && num >= 0 && int(num) < attachments && num == math.Trunc(num) && len(v) == 2 {
					used[int(num)]++
				} else {
					proper = false
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return proper && !slices.ContainsFunc(used, func(n int) bool { return n != 1 })
}

// oddPacked reads a packet as socket.io-msgpack-parser does.
func oddPacked(s string) []string {
	u := unpacker{b: []byte(s)}
	v, err := u.value()
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil
	}
	var odd []string
	note := func(is bool, what string) {
		if is {
			odd = append(odd, what)
		}
	}
	note(u.odd["float"], "msgpack-integer-form")
	note(u.odd["extension"], "msgpack-extension")
	note(u.odd["utf8"], "msgpack-utf8")
	note(u.odd["key"], "msgpack-key")
	note(u.odd["twice"], "msgpack-key-twice")
	note(u.depth > depthMost+1 || u.items > itemsMost, "payload-too-big")
	nsp, _ := m["nsp"].(string)
	_, isText := m["nsp"].(string)
	note(len(nsp) > namespaceMost || isText && nsp == "", "namespace-form")
	kind, _ := m["type"].(float64)
	id, hasID := m["id"]
	n, isNum := id.(float64)
	note(hasID && (!isNum || n < 0 || n > ackMost), "ack-id-form")
	note(hasID && kind != 2 && kind != 3, "id-misplaced")
	note(!hasID && kind == 3, "ack-without-id")
	data, hasData := m["data"]
	note(hasID && id == nil || hasData && data == nil, "nil-is-absent")
	if list, _ := data.([]any); kind == 2 && list != nil {
		name, isText := first(list).(string)
		number, isNumber := first(list).(float64)
		reserved := []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
		note(isText && (name == "" || len(name) > nameMost), "event-name")
		note(isNumber && (math.IsInf(number, 0) || math.IsNaN(number)), "event-name")
		note(!isText && !isNumber || slices.Contains(reserved, name), "event-not-an-event")
	}
	return odd
}

var number = regexp.MustCompile(`-?\d+(\.\d+)?(e[+-]\d+)?`)

// sameButLarge reports whether the servers differ in nothing but numbers that
// ours says are beyond the exact integers of a double.
func sameButLarge(d *divergence) bool {
	if d.node.over != d.ours.over {
		return false
	}
	for who := range 2 {
		a, b := d.node.heard[who], d.ours.heard[who]
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if number.ReplaceAllString(a[i], "") != number.ReplaceAllString(b[i], "") {
				return false
			}
			an, bn := number.FindAllString(a[i], -1), number.FindAllString(b[i], -1)
			for k := range bn {
				f, _ := strconv.ParseFloat(bn[k], 64)
				if an[k] != bn[k] && math.Abs(f) < 1<<53 {
					return false
				}
			}
		}
	}
	return true
}
