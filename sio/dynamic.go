package sio

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// Dynamic says which names a dynamic namespace answers to. One of the fields is
// set.
type Dynamic struct {
	// Pattern matches names, with their slash. Anchor it: `^/room-\d+$`.
	Pattern *regexp.Regexp
	// Match judges a name that no namespace has yet, together with the auth
	// payload of the CONNECT, which auth decodes like [Socket.Auth]. It runs on
	// the reader and must not block; what takes time belongs in Use.
	Match func(name string, auth func(into any) error) bool
}

// OfDynamic adds a namespace that exists as its children: each name that d
// accepts becomes one when a client asks for it, and ceases when the last socket
// has left, see Config.KeepChildren. Use, OnConnection, broadcasts and commands
// of the returned namespace concern all children, present and future. Names that
// [Server.Of] knows are never asked for, and of several dynamic namespaces the
// first that accepts a name gets it.
func (s *Server) OfDynamic(d Dynamic) *Namespace {
	match := d.Match
	if d.Pattern != nil {
		match = func(name string, _ func(any) error) bool { return d.Pattern.MatchString(name) }
	}
	if match == nil {
		panic("sio: OfDynamic needs a Pattern or a Match")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &Namespace{
		srv: s, name: fmt.Sprintf("/_%d", len(s.dynamic)), match: match,
		children: make(map[*Namespace]struct{}),
	}
	s.dynamic = append(s.dynamic, n)
	return n
}

// Of returns the namespace of that name, creating it when it does not exist. A
// missing leading slash is added.
func (s *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	s.mu.Lock()
	n := s.nsps[name]
	created := n == nil
	if created {
		n = newNamespace(s, name)
		s.nsps[name] = n
	}
	n.pinned = true
	s.mu.Unlock()
	if created {
		n.announce()
	}
	return n
}

// announce tells the hooks of a new namespace, once; others wait for that.
func (n *Namespace) announce() {
	n.born.Do(func() {
		n.srv.tell(func(h *Hooks) {
			if h.Namespace != nil {
				h.Namespace(n)
			}
		})
	})
}

// lookup finds a namespace by the name a client sent, which does not become a
// key before a dynamic namespace has accepted it. A namespace that is found has
// one user more, until release. Without one, the error says what to tell the
// client.
func (s *Server) lookup(name []byte, auth func(into any) error) (*Namespace, *Error) {
	if len(name) == 0 {
		name = []byte("/")
	}
	s.mu.Lock()
	n := s.nsps[string(name)]
	if n != nil {
		n.users++
		s.mu.Unlock()
		n.announce()
		return n, nil
	}
	dynamic := s.dynamic
	s.mu.Unlock()
	for _, parent := range dynamic {
		if !parent.agrees(string(name), auth) {
			continue
		}
		return parent.child(string(name))
	}
	return nil, &Error{Msg: "Invalid namespace"}
}

func (n *Namespace) agrees(name string, auth func(into any) error) (yes bool) {
	n.srv.guard("dynamic namespace", func() { yes = n.match(name, auth) })
	return yes
}

// child returns the namespace of a name that n accepted.
func (n *Namespace) child(name string) (*Namespace, *Error) {
	s := n.srv
	s.mu.Lock()
	c := s.nsps[name] // another client may have been faster
	if c == nil {
		if s.children >= s.cfg.MaxChildren {
			s.mu.Unlock()
			return nil, &Error{Code: codeNamespaces, Msg: "Too many namespaces"}
		}
		c = newNamespace(s, name)
		c.parent = n
		s.nsps[name] = c
		n.children[c] = struct{}{}
		s.children++
	}
	c.users++
	s.mu.Unlock()
	c.announce()
	return c, nil
}

// release ends what lookup began.
func (n *Namespace) release() {
	s := n.srv
	s.mu.Lock()
	n.users--
	empty := n.users == 0 && n.parent != nil && !n.pinned && !s.cfg.KeepChildren
	if empty {
		delete(s.nsps, n.name)
		delete(n.parent.children, n)
		s.children--
	}
	s.mu.Unlock()
	if !empty {
		return
	}
	s.tell(func(h *Hooks) {
		if h.NamespaceGone != nil {
			h.NamespaceGone(n)
		}
	})
	if n.remote != nil {
		if err := n.remote.Close(); err != nil {
			s.log.Warn("adapter not closed", slog.String("namespace", n.name), slog.Any("err", err))
		}
	}
}

// childList is the children as of now.
func (n *Namespace) childList() []*Namespace {
	n.srv.mu.RLock()
	defer n.srv.mu.RUnlock()
	all := make([]*Namespace, 0, len(n.children))
	for c := range n.children {
		all = append(all, c)
	}
	return all
}
