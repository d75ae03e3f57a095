package sio

import (
	"log/slog"

	"gameserver/engine"
)

// join runs the middleware of a namespace and lets the socket in, or not. It
// runs on the goroutine of the connection's handlers.
func (c *conn) join(s *Socket) {
	s.claim()
	if err := s.admitted(); err != nil {
		s.end()
		s.unclaim()
		c.forget(s)
		c.refuseOrClose(s, err)
		s.unuse()
		return
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		s.end()
		s.unclaim()
		s.unuse()
		return
	}
	for i := range c.entries {
		if c.entries[i].s == s {
			c.entries[i].state = entryOpen
		}
	}
	first := !c.admitted
	c.admitted = true
	c.stopTimeoutLocked()
	c.mu.Unlock()

	if first {
		c.link.Admit()
	}
	if !s.greet() {
		return
	}
	s.entered = true
	c.srv.count.joined.Add(1)
	c.srv.tell(func(h *Hooks) {
		if h.Connected != nil {
			h.Connected(s)
		}
	})
	for _, h := range s.nsp.connectionHandlers() {
		c.srv.guard("OnConnection", func() { h(s) })
	}
	s.settle(0)
}

// admitted asks the middleware.
func (s *Socket) admitted() (err error) {
	if s.trusted() {
		return nil
	}
	for _, m := range s.nsp.middleware() {
		ref := s.conn.srv.guard("middleware", func() { err = m(s) })
		if ref != "" {
			return &Error{Code: codeInternal, Msg: "internal error", Ref: ref}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) forget(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.entries {
		if c.entries[i].s == s {
			c.entries = append(c.entries[:i], c.entries[i+1:]...)
			return
		}
	}
}

// refuseOrClose answers a CONNECT with the error of a middleware.
func (c *conn) refuseOrClose(s *Socket, err error) {
	shown := public(err)
	if shown == nil {
		shown = c.srv.internal("middleware", err)
	}
	c.srv.refused("connect_refused")
	if c.refuse(s.nsp.name, connectError(shown)) != nil {
		c.srv.refused("rate_limited")
		c.link.Close(engine.ReasonRateLimited)
	}
}

// connectErrorData is the payload of a CONNECT_ERROR.
type connectErrorData struct {
	Message string `json:"message"`
	Data    *Error `json:"data"`
}

func connectError(err *Error) any { return connectErrorData{err.Msg, err} }

// internal logs an error that the client must not see and returns what it may.
func (s *Server) internal(where string, err error) *Error {
	ref := newRef()
	s.log.Error("handler failed", slog.String("where", where), slog.String("ref", ref), slog.Any("err", err))
	return &Error{Code: codeInternal, Msg: "internal error", Ref: ref}
}
