package engine

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// originList is the set of Config.Origins in their one canonical spelling.
type originList map[string]struct{}

// anyOrigin in the list stands for every page, but for the nameless ones.
const anyOrigin = "*"

func newOriginList(origins []string) (originList, error) {
	list := make(originList, len(origins))
	for _, o := range origins {
		if o == anyOrigin {
			list[o] = struct{}{}
			continue
		}
		u, ok := parseOrigin(o)
		if !ok {
			return nil, fmt.Errorf("engine: Config.Origins: %q is not scheme://host or scheme://host:port", o)
		}
		list[u.String()] = struct{}{}
	}
	return list, nil
}

// origin is a parsed Origin: lower case, its port empty if the scheme's own.
type origin struct{ scheme, host, port string }

// String spells the origin as browsers do.
func (o origin) String() string { return o.scheme + "://" + o.hostport() }

func (o origin) hostport() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port == "" {
		return host
	}
	return host + ":" + o.port
}

// parseOrigin takes an Origin apart. Whatever is more or less than a scheme, a
// host and perhaps a port is none: "null", a path, a user, a wildcard.
func parseOrigin(s string) (origin, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || u.Path != "" ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return origin{}, false
	}
	o := origin{strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()}
	if o.host == "" || strings.ContainsAny(o.host, "*%, ") || strings.HasSuffix(u.Host, ":") {
		return origin{}, false
	}
	if o.port == defaultPort(o.scheme) {
		o.port = ""
	}
	return o, true
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	default:
		return ""
	}
}

// allowedOrigin judges the Origin of a request. Browsers do not protect
// WebSockets or simple POSTs from foreign pages; this does. listed says that
// the Origin is one of Config.Origins.
func (s *Server) allowedOrigin(r *http.Request, from client) (allowed, listed bool) {
	lines := r.Header.Values("Origin")
	var o origin
	named, anyone := false, false
	if len(lines) == 1 {
		if o, named = parseOrigin(lines[0]); named {
			_, listed = s.origins[o.String()]
			_, anyone = s.origins[anyOrigin]
		}
	}
	switch {
	case s.cfg.CheckOrigin != nil:
		return s.cfg.CheckOrigin(r), listed
	case listed, anyone:
		return true, listed
	case len(lines) == 0:
		// A page that cannot hide where it comes from, but leaves out its Origin:
		// a script element, an image, a link.
		return !s.cfg.RequireOrigin && !strings.EqualFold(r.Header.Get("Sec-Fetch-Site"), "cross-site"), false
	default:
		return named && (sameHost(o, r.Host, from.secure) || localPage(o, r, from)), false
	}
}

// sameHost reports whether o is a page of the host that was asked for. Without
// TLS here the scheme is not known, as a proxy may have ended it.
func sameHost(o origin, host string, secure bool) bool {
	switch o.scheme {
	case "https":
	case "http":
		if secure {
			return false
		}
	default:
		return false
	}
	asked, ok := parseOrigin(o.scheme + "://" + host)
	return ok && asked == o
}

// localPage reports whether a page of this machine asks this machine, by a
// socket that no other machine can reach. A page that one local port serves may
// use a server on another, as with development servers.
func localPage(o origin, r *http.Request, from client) bool {
	if o.scheme != "http" && o.scheme != "https" || !from.addr.IsLoopback() {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && loopback(o.hostport()) && loopback(r.Host) && loopback(local.String())
}

// loopback reports whether a host, with or without a port, is this machine.
func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// cleanOrigin reports whether there is at most one Origin, of characters that
// may be in a header.
func cleanOrigin(h http.Header) bool {
	lines := h.Values("Origin")
	if len(lines) > 1 {
		return false
	}
	for _, s := range lines {
		for i := range len(s) {
			if b := s[i]; b < 0x20 && b != '\t' || b == 0x7f {
				return false
			}
		}
	}
	return true
}

// allowOrigin tells a browser that a page of another origin may read the
// answer. It is reached only for an Origin that is allowed.
func allowOrigin(h http.Header, r *http.Request, credentials bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflight answers an OPTIONS request of an allowed origin.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", "GET,POST")
	h.Set("Access-Control-Allow-Headers", preflightHeaders(r.Header.Get("Access-Control-Request-Headers")))
	h.Set("Access-Control-Max-Age", preflightAge)
	w.WriteHeader(http.StatusNoContent)
}

// preflightHeaders grants what was asked for, if it is a list of header names.
func preflightHeaders(asked string) string {
	const usual = "Content-Type,Authorization"
	if asked == "" || len(asked) > maxPreflight {
		return usual
	}
	for i := range len(asked) {
		switch b := asked[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case b == '-', b == '_', b == ',', b == ' ':
		default:
			return usual
		}
	}
	return asked
}
