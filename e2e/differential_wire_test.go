package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"gameserver/engine/enginetest"
)

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// packet is a Socket.IO packet that a server sent.
type packet struct {
	kind int
	nsp  string
	id   int // -1: none
	data any
}

// parseText reads a packet of the default parser and the number of attachments
// that follow it.
func parseText(s string) (packet, int, error) {
	p := packet{nsp: "/", id: -1}
	n := 0
	if s == "" {
		return p, 0, errors.New("empty packet")
	}
	p.kind, s = int(s[0]-'0'), s[1:]
	if p.kind >= 5 {
		count, rest, _ := strings.Cut(s, "-")
		n, _ = strconv.Atoi(count)
		s = rest
		p.kind -= 3
	}
	if strings.HasPrefix(s, "/") {
		p.nsp, s, _ = strings.Cut(s, ",")
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits > 0 {
		p.id, _ = strconv.Atoi(s[:digits])
	}
	if s = s[digits:]; s == "" {
		return p, n, nil
	}
	return p, n, json.Unmarshal([]byte(markHalves(s)), &p.data)
}

// fill puts attachments in the place of their placeholders.
func fill(v any, parts [][]byte) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = fill(v[i], parts)
		}
	case map[string]any:
		if num, ok := v["num"].(float64); ok && v["_placeholder"] == true && int(num) < len(parts) {
			return binaryValue(parts[int(num)])
		}
		for k := range v {
			v[k] = fill(v[k], parts)
		}
	}
	return v
}

// parsePacked reads a packet of the msgpack parser.
func parsePacked(b []byte) (packet, error) {
	p := packet{id: -1}
	u := unpacker{b: b}
	v, err := u.value()
	if err != nil || len(u.b) > 0 {
		return p, fmt.Errorf("msgpack: %w, %d bytes left", err, len(u.b))
	}
	m, _ := v.(map[string]any)
	kind, _ := m["type"].(float64)
	p.kind, p.data = int(kind), m["data"]
	p.nsp, _ = m["nsp"].(string)
	if id, ok := m["id"].(float64); ok {
		p.id = int(id)
	}
	return p, nil
}

// peer is one raw WebSocket session of a script.
type peer struct {
	ws      *enginetest.WS
	msgpack bool
	synced  bool // joined /sync
	over    string
	barrier int
	asked   int // id of the last event that wanted an ack
	heard   []string
}

const barrierTimeout = 20 * time.Second

func dial(addr string, msgpack bool) (*peer, error) {
	ws, err := enginetest.DialWS(addr, "/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return nil, err
	}
	if _, err := ws.ReadOpen(); err != nil {
		return nil, errors.Join(err, ws.Close())
	}
	return &peer{ws: ws, msgpack: msgpack, asked: 9999}, nil
}

// send writes the messages of a step. A server that has closed is found out by
// reading.
func (p *peer) send(messages []message) {
	for _, m := range messages {
		data := strings.ReplaceAll(m.data, idMark, strconv.Itoa(p.asked))
		data = strings.ReplaceAll(data, idMarkPacked, string([]byte{0xcd, byte(p.asked >> 8), byte(p.asked)}))
		if m.binary {
			_ = p.ws.SendBinary([]byte(data))
		} else {
			_ = p.ws.Send(data)
		}
	}
}

// settle waits until the server has answered everything sent before. It goes on
// while want is not among the events heard.
func (p *peer) settle(want string) {
	if p.over == "" && !p.synced {
		p.control(0, nil)
		p.read(func(k packet) bool { return k.kind == 0 && k.nsp == "/sync" })
		p.synced = true
	}
	for round := 0; p.over == "" && (round < 2 || round < 200 && want != "" && !p.has(want)); round++ {
		p.barrier++
		p.control(2, []any{"barrier"})
		p.read(func(k packet) bool { return k.kind == 3 && k.nsp == "/sync" && k.id == p.barrier })
	}
}

func (p *peer) has(event string) bool {
	return slices.ContainsFunc(p.heard, func(s string) bool { return strings.Contains(s, `["`+event+`"`) })
}

// control sends a packet to /sync.
func (p *peer) control(kind int, data any) {
	id := -1
	if kind == 2 {
		id = p.barrier
	}
	p.send(render(p.msgpack, packer{}, kind, "/sync", id, data))
}

// read reads up to the packet that done accepts, which is not noted.
func (p *peer) read(done func(packet) bool) {
	for p.over == "" {
		k, err := p.next()
		switch {
		case err != nil:
			p.over = ending(err)
		case done(k):
			return
		default:
			p.note(k)
		}
	}
}

func ending(err error) string {
	var netErr net.Error
	switch {
	case errors.As(err, new(*enginetest.CloseError)), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "stuck"
	case strings.Contains(err.Error(), "reset"), strings.Contains(err.Error(), "pipe"):
		return "closed"
	}
	return "broken: " + err.Error()
}

// note writes down a packet without what is different in every run.
func (p *peer) note(k packet) {
	if m, ok := k.data.(map[string]any); ok && k.kind == 0 {
		if sid, _ := m["sid"].(string); len(sid) == 20 {
			m["sid"] = "<sid>"
		}
	}
	id := "-"
	if k.id >= 0 && k.kind == 2 {
		p.asked, id = k.id, "ask"
	} else if k.id >= 0 {
		id = strconv.Itoa(k.id)
	}
	p.heard = append(p.heard, fmt.Sprintf("%d %s %s %s", k.kind, k.nsp, id, canonical(k.data)))
}

// next reads a whole packet.
func (p *peer) next() (packet, error) {
	op, data, err := p.frame()
	if err != nil {
		return packet{}, err
	}
	if p.msgpack {
		if op != enginetest.OpBinary {
			return packet{}, fmt.Errorf("text on a msgpack connection: %q", data)
		}
		return parsePacked(data)
	}
	if op != enginetest.OpText || len(data) == 0 || data[0] != '4' {
		return packet{}, fmt.Errorf("not a message: %q", data)
	}
	k, n, err := parseText(string(data[1:]))
	if err != nil {
		return k, err
	}
	var parts [][]byte
	for range n {
		op, part, err := p.frame()
		if err != nil || op != enginetest.OpBinary {
			return k, fmt.Errorf("instead of an attachment opcode %d: %w", op, err)
		}
		parts = append(parts, part)
	}
	if n > 0 {
		k.data = fill(k.data, parts)
	}
	return k, nil
}

// frame reads the next data frame that is not a heartbeat.
func (p *peer) frame() (byte, []byte, error) {
	for {
		_ = p.ws.SetReadDeadline(time.Now().Add(barrierTimeout))
		op, data, err := p.ws.ReadFrame()
		switch {
		case err != nil:
			return 0, nil, err
		case op == enginetest.OpClose:
			return 0, nil, &enginetest.CloseError{}
		case op == enginetest.OpPing || op == enginetest.OpPong:
		case op == enginetest.OpText && (string(data) == "2" || string(data) == "6"):
		case op == enginetest.OpText && string(data) == "1":
			return 0, nil, io.EOF
		default:
			return op, data, nil
		}
	}
}
