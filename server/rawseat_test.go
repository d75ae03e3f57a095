package server

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"gameserver/lobby"
	"gameserver/server/client"
)

// packet is one Socket.IO packet as a raw client reads it.
type packet struct {
	typ     int
	nsp     string
	args    [][]byte // after the event's name
	name    string
	msgpack bool
}

// into decodes the first argument.
func (p packet) into(t *testing.T, v any) {
	t.Helper()
	require.NotEmpty(t, p.args, "%s has no argument", p.name)
	if !p.msgpack {
		require.NoError(t, json.Unmarshal(p.args[0], v))
		return
	}
	d := msgpack.NewDecoder(bytes.NewReader(p.args[0]))
	d.SetCustomStructTag("json")
	d.UseLooseInterfaceDecoding(true)
	require.NoError(t, d.Decode(v))
}

// parse reads a packet, whichever parser it is of.
func parse(t *testing.T, msg string) (p packet) {
	t.Helper()
	if strings.HasPrefix(msg, "4") {
		body := msg[2:]
		p.typ = int(msg[1] - '0')
		if i := strings.IndexByte(body, ','); strings.HasPrefix(body, "/") && i > 0 {
			p.nsp, body = body[:i], body[i+1:]
		}
		body = strings.TrimLeft(body, "0123456789") // the ack id
		if strings.HasPrefix(body, "[") {
			var list []json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(body), &list))
			for _, raw := range list {
				p.args = append(p.args, raw)
			}
		}
		if p.typ == 2 {
			require.NoError(t, json.Unmarshal(p.args[0], &p.name))
			p.args = p.args[1:]
		}
		return p
	}
	var envelope struct {
		Type int                `msgpack:"type"`
		NSP  string             `msgpack:"nsp"`
		Data msgpack.RawMessage `msgpack:"data"`
	}
	require.NoError(t, msgpack.Unmarshal([]byte(msg), &envelope))
	p.typ, p.nsp, p.msgpack = envelope.Type, envelope.NSP, true
	if p.typ == 2 || p.typ == 3 {
		var list []msgpack.RawMessage
		require.NoError(t, msgpack.Unmarshal(envelope.Data, &list))
		for _, raw := range list {
			p.args = append(p.args, raw)
		}
	}
	if p.typ == 2 {
		require.NoError(t, msgpack.Unmarshal(p.args[0], &p.name))
		p.args = p.args[1:]
	}
	return p
}

// next returns the next packet, and answers pings. The error is that of the end.
func (r *raw) next() (packet, error) {
	r.t.Helper()
	for {
		msg, err := r.ReadText()
		switch {
		case err != nil:
			return packet{}, err
		case msg == "2":
			r.text("3")
		default:
			return parse(r.t, msg), nil
		}
	}
}

// await returns the next packet of an event in a namespace, or of an ack for "".
func (r *raw) await(nsp, event string) packet {
	r.t.Helper()
	for {
		p, err := r.next()
		require.NoError(r.t, err, "waiting for %q", event)
		if p.nsp == nsp && p.name == event && (event != "" || p.typ == 3) {
			return p
		}
	}
}

// emit sends an event; the server may have closed already.
func (r *raw) emit(nsp, event string, msgpack bool, arg any) {
	if msgpack {
		r.pack(m{"type": 2, "nsp": nsp, "data": []any{event, arg}})
		return
	}
	r.text(`42%s,["%s",%s]`, nsp, event, toJSON(r.t, arg))
}

// rawSeat brings a raw client and a witness into one match.
func (h *harbour) rawSeat(t *testing.T, msgpack bool) (*raw, *witness, welcome) {
	t.Helper()
	w := h.witness("honest", client.Options{Msgpack: true})
	w.t = t
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	queued := make(chan error, 1)
	go func() {
		var err error
		w.m, err = w.c.Queue(ctx, "shoal")
		queued <- err
	}()
	r := h.raw(t)
	r.join(lobbyNamespace, msgpack, m{"name": "mallory"})
	r.emit(lobbyNamespace, "queue:join", msgpack, m{"queue": "shoal"})
	var f lobby.Found
	r.await(lobbyNamespace, "match:found").into(t, &f)
	if msgpack {
		r.pack(m{"type": 0, "nsp": lobby.MatchNamespace, "data": m{"seat": f.Seat.Token}})
	} else {
		r.text("40%s,%s", lobby.MatchNamespace, toJSON(t, m{"seat": f.Seat.Token}))
	}
	var hello welcome
	r.await(lobby.MatchNamespace, "welcome").into(t, &hello)
	require.NoError(t, <-queued)
	return r, w, hello
}
