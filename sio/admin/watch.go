package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"gameserver/sio"
)

// socket is a socket as the page wants it.
type socket struct {
	ID        string         `json:"id"`
	ClientID  string         `json:"clientId"`
	Transport string         `json:"transport"`
	Namespace string         `json:"nsp"`
	Data      any            `json:"data"`
	Handshake map[string]any `json:"handshake"`
	Rooms     []string       `json:"rooms"`
}

// show describes a socket; s is nil when it is on another server.
func (u *UI) show(n *sio.Namespace, s *sio.Socket, r sio.RemoteSocket) socket {
	out := socket{
		ID: r.ID, ClientID: r.ID[:min(12, len(r.ID))], Namespace: n.Name(), Data: data(r.Data),
		Handshake: handshake(r.Handshake), Rooms: r.Rooms,
	}
	if out.Rooms == nil {
		out.Rooms = []string{}
	}
	if s != nil && s.Conn() != nil {
		// Sockets of one connection share this; the id itself is a credential.
		sum := sha256.Sum256([]byte(s.Conn().ID()))
		out.ClientID, out.Transport = hex.EncodeToString(sum[:6]), s.Conn().Transport()
	}
	return out
}

func data(shared json.RawMessage) any {
	if shared == nil {
		return struct{}{}
	}
	return shared
}

// handshake leaves out what is secret.
func handshake(h sio.Handshake) map[string]any {
	var out map[string]any
	if text, err := json.Marshal(h); err != nil || json.Unmarshal(text, &out) != nil {
		return map[string]any{}
	}
	delete(out, "auth")
	if headers, ok := out["headers"].(map[string]any); ok {
		for _, name := range []string{"cookie", "authorization", "proxy-authorization"} {
			if _, has := headers[name]; has {
				headers[name] = "(not shown)"
			}
		}
	}
	return out
}

// tell sends an event to the pages, if there are any.
func (u *UI) tell(event string, args ...any) {
	if u.watchers.Load() > 0 || u.cfg.Cluster {
		u.log(u.nsp.Emit(event, args...))
	}
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// watch asks for everything.
func (u *UI) watch(h *sio.Hooks) {
	h.Connected = u.connected
	h.Disconnected = func(s *sio.Socket, reason string) {
		u.mu.Lock()
		delete(u.transports, s)
		u.mu.Unlock()
		name := s.Namespace().Name()
		u.tell("socket_disconnected", name, s.ID(), reason, now())
		u.tell("room_left", name, s.ID(), s.ID(), now())
	}
	h.Joined = func(s *sio.Socket, room string) { u.tell("room_joined", s.Namespace().Name(), room, s.ID(), now()) }
	h.Left = func(s *sio.Socket, room string) { u.tell("room_left", s.Namespace().Name(), room, s.ID(), now()) }
	h.Shared = func(s *sio.Socket, d []byte) {
		u.tell("socket_updated", map[string]any{"id": s.ID(), "nsp": s.Namespace().Name(), "data": data(d)})
	}
	h.Received = func(s *sio.Socket, e *sio.Event) { u.event("event_received", s, e) }
	h.Sent = func(s *sio.Socket, e *sio.Event) { u.event("event_sent", s, e) }
}

func (u *UI) connected(s *sio.Socket) {
	if s.Conn() != nil {
		u.mu.Lock()
		u.transports[s] = s.Conn().Transport()
		u.mu.Unlock()
	}
	if u.watchers.Load() == 0 && !u.cfg.Cluster {
		return
	}
	list, err := s.Namespace().To(s.ID()).Local().Fetch(context.Background()) // does not ask others
	u.log(err)
	for _, r := range list {
		u.tell("socket_connected", u.show(s.Namespace(), s, r), now())
	}
}

// event shows one event. Those of the pages themselves are not shown: that would
// never end.
func (u *UI) event(kind string, s *sio.Socket, e *sio.Event) {
	if s.Namespace() == u.nsp || u.watchers.Load() == 0 && !u.cfg.Cluster {
		return
	}
	args := append([]any{e.Name()}, shown(e, 0, maxShown)...)
	u.tell(kind, s.Namespace().Name(), s.ID(), args, now())
}

// raw is a value in msgpack.
type raw []byte

// EncodeMsgpack implements msgpack.CustomEncoder.
func (r raw) EncodeMsgpack(e *msgpack.Encoder) error {
	_, err := e.Writer().Write(r)
	return err
}

// shown returns the arguments of an event from the first on; those with more
// than most bytes are described.
func shown(e *sio.Event, first, most int) []any {
	var args []any
	for i := first; i < e.NArgs(); i++ {
		b, err := e.AppendArg(nil, i)
		switch {
		case err != nil:
			args = append(args, nil)
		case len(b) > most:
			args = append(args, fmt.Sprintf("(%d bytes)", len(b)))
		default:
			args = append(args, raw(b))
		}
	}
	return args
}

// upgrades tells of connections that have changed their transport.
func (u *UI) upgrades() {
	u.mu.Lock()
	var changed []*sio.Socket
	for s, was := range u.transports {
		if is := s.Conn().Transport(); is != was {
			u.transports[s] = is
			changed = append(changed, s)
		}
	}
	u.mu.Unlock()
	for _, s := range changed {
		u.tell("socket_updated", map[string]any{"id": s.ID(), "nsp": s.Namespace().Name(), "transport": s.Conn().Transport()})
	}
}
