package engine

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
)

// newID makes the id of a new session.
func (s *Server) newID() (string, *refusal) {
	if s.cfg.NewID == nil {
		var raw [sidBytes]byte
		_, _ = rand.Read(raw[:]) // never fails: it crashes the program instead
		return base64.RawURLEncoding.EncodeToString(raw[:]), nil
	}
	id := s.cfg.NewID()
	if !goodID(id) {
		s.cfg.Logger.Error("engine: Config.NewID made no session id", slog.Int("length", len(id)))
		return "", refuseRequest()
	}
	return id, nil
}

// goodID reports whether an id can stand in a URL, a cookie and JSON as it is,
// and is long enough to be hard to guess.
func goodID(id string) bool {
	if len(id) < minID || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		switch b := id[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_':
		default:
			return false
		}
	}
	return true
}

// decorate adds the cookie and what the hooks want to an answer. initial says
// that it opens the session. A hook that panics adds nothing more.
func (s *Server) decorate(h http.Header, r *http.Request, c *Conn, initial bool) {
	defer s.recovered("headers", nil)
	if initial && s.cfg.Cookie != nil {
		h.Add("Set-Cookie", sessionCookie(*s.cfg.Cookie, c.id))
	}
	if initial && s.cfg.InitialHeaders != nil {
		s.cfg.InitialHeaders(h, r)
	}
	if s.cfg.Headers != nil {
		s.cfg.Headers(h, r)
	}
}

func sessionCookie(c http.Cookie, id string) string {
	if c.Name == "" {
		c.Name = "io"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	c.Value, c.HttpOnly = id, true
	return c.String()
}
