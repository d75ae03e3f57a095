package sio

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Handshake is how a socket came to be: the request that opened the connection,
// and what the CONNECT of the namespace said.
type Handshake struct {
	Headers http.Header
	Query   url.Values // of the request; with Socket.IO v2 also of the namespace
	URL     string
	Address string // of the client, without a port
	Secure  bool
	XDomain bool
	Time    time.Time       // of the CONNECT
	Auth    json.RawMessage // the auth payload in JSON; nil when there is none
}

// Handshake returns how the socket came to be. Its maps must not be changed.
func (s *Socket) Handshake() Handshake {
	h := Handshake{Time: s.since}
	if ec := s.conn.ec; ec != nil {
		e := ec.Handshake()
		h.Headers, h.Query, h.URL, h.Secure, h.XDomain = e.Header, e.Query, e.URL, e.Secure, e.CrossDomain
		h.Address = e.RemoteAddr
		if host, _, err := net.SplitHostPort(e.RemoteAddr); err == nil {
			h.Address = host
		}
	}
	if s.query != nil {
		h.Query = s.query
	}
	if s.auth != nil {
		if s.conn.parser == ParserMsgpack {
			var w jsonWriter
			if _, err := w.value(s.auth, 0); err == nil && len(w.parts) == 0 {
				h.Auth = w.dst
			}
		} else {
			h.Auth = s.auth
		}
	}
	return h
}

// Share publishes a value, encoded as JSON, as the data of this socket: it is
// what Broadcast.Fetch on any server and the admin UI show. [Socket.Data] stays
// private to this process.
func (s *Socket) Share(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("sio: share: %w", err)
	}
	s.mu.Lock()
	s.shared = b
	s.mu.Unlock()
	s.conn.srv.tell(func(h *Hooks) {
		if h.Shared != nil {
			h.Shared(s, b)
		}
	})
	return nil
}

func (s *Socket) describe() RemoteSocket {
	s.mu.RLock()
	data := s.shared
	s.mu.RUnlock()
	return RemoteSocket{ID: s.id, Handshake: s.Handshake(), Rooms: s.Rooms(), Data: data}
}

// wireHandshake is the handshake as Node servers and the admin UI exchange it.
type wireHandshake struct {
	Headers map[string]string `json:"headers"`
	Time    string            `json:"time"`
	Address string            `json:"address"`
	XDomain bool              `json:"xdomain"`
	Secure  bool              `json:"secure"`
	Issued  int64             `json:"issued"`
	URL     string            `json:"url"`
	Query   map[string]string `json:"query"`
	Auth    json.RawMessage   `json:"auth,omitempty"`
}

// MarshalJSON implements json.Marshaler, in the form of Node servers.
func (h Handshake) MarshalJSON() ([]byte, error) {
	w := wireHandshake{
		Headers: make(map[string]string, len(h.Headers)), Query: make(map[string]string, len(h.Query)),
		Time:    h.Time.UTC().Format("Mon Jan 02 2006 15:04:05") + " GMT+0000 (Coordinated Universal Time)",
		Address: h.Address, XDomain: h.XDomain, Secure: h.Secure, Issued: h.Time.UnixMilli(), URL: h.URL, Auth: h.Auth,
	}
	for k, v := range h.Headers {
		w.Headers[strings.ToLower(k)] = strings.Join(v, ", ")
	}
	for k := range h.Query {
		w.Query[k] = h.Query.Get(k)
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *Handshake) UnmarshalJSON(b []byte) error {
	var w wireHandshake
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("sio: handshake: %w", err)
	}
	*h = Handshake{
		Headers: make(http.Header, len(w.Headers)), Query: make(url.Values, len(w.Query)),
		URL: w.URL, Address: w.Address, Secure: w.Secure, XDomain: w.XDomain, Time: time.UnixMilli(w.Issued), Auth: w.Auth,
	}
	for k, v := range w.Headers {
		h.Headers.Set(k, v)
	}
	for k, v := range w.Query {
		h.Query.Set(k, v)
	}
	return nil
}
