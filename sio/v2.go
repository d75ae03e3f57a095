package sio

import (
	"bytes"
	"encoding/json"
	"net/url"
	"unicode/utf8"

	"gameserver/engine"
)

// Socket.IO v2 clients come with Engine.IO v3, where Engine lets them in. They
// speak the default parser, expect to be in "/" without asking, send the query
// of a namespace in its name, compute the ids of their sockets from the session
// id, and take the payload of a packet of type 4 as the error itself.

func (s *Server) acceptV2(l link, ec *engine.Conn, sid string) *conn {
	c := s.newConn(l, ec, ParserJSON)
	c.parser, c.v2, c.sid = ParserJSON, true, sid
	if err := c.connect(&Event{typ: PacketConnect, parser: ParserJSON}, nil); err != nil {
		c.fail(err)
	}
	return c
}

// v2Auth takes the query off the name of a namespace and returns it as the auth
// payload of a CONNECT; nil when there is none.
func v2Auth(e *Event) []byte {
	i := bytes.IndexByte(e.nsp, '?')
	if i < 0 {
		return nil
	}
	query := v2Query(e)
	e.nsp, e.query = e.nsp[:i], query
	if len(query) == 0 {
		return nil
	}
	auth := make(map[string]string, len(query))
	for k := range query {
		auth[k] = query.Get(k)
	}
	b, err := json.Marshal(auth)
	if err != nil {
		return nil
	}
	return b
}

// v2Query is the query in the name of a namespace; what is malformed is left
// out.
func v2Query(e *Event) url.Values {
	_, text, _ := bytes.Cut(e.nsp, []byte{'?'})
	query, _ := url.ParseQuery(string(text))
	for k, values := range query {
		if !utf8.ValidString(k) || !utf8.ValidString(values[0]) {
			delete(query, k)
		}
	}
	return query
}

// nameV2 gives a socket the id and the query that its client believes in.
func (c *conn) nameV2(s *Socket, e *Event) {
	s.id = c.sid
	if s.nsp.name != "/" {
		s.id = s.nsp.name + "#" + c.sid
	}
	if e.query == nil {
		return
	}
	s.query = e.query
	if c.ec == nil {
		return
	}
	for k, v := range c.ec.Handshake().Query {
		if _, own := s.query[k]; !own {
			s.query[k] = v
		}
	}
}

// v2Error is the bare value of an error packet: the data of the error, or its
// message where there is none.
func v2Error(data any) any {
	switch d := data.(type) {
	case connectErrorData:
		return d.Data
	case map[string]any:
		return d["message"]
	}
	return data
}
