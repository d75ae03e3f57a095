package engine

import (
	"net/http"
	"net/netip"
	"strings"
)

// client is where a request comes from.
type client struct {
	// addr is the zero Addr if it is not an IP address.
	addr netip.Addr
	// secure says that the client itself speaks TLS.
	secure bool
}

// locate finds the client behind the trusted proxies. The request it returns
// names that client in its RemoteAddr; it is r itself if no proxy was involved.
func (s *Server) locate(r *http.Request) (*http.Request, client) {
	from := client{addr: peerAddr(r.RemoteAddr), secure: r.TLS != nil}
	if len(s.cfg.TrustedProxies) == 0 || !s.trusted(from.addr) {
		return r, from
	}
	if proto := lastElement(r.Header.Values("X-Forwarded-Proto")); proto != "" {
		from.secure = strings.EqualFold(proto, "https") || strings.EqualFold(proto, "wss")
	}
	addr, ok := s.forwardedFor(r.Header.Values("X-Forwarded-For"))
	if !ok {
		return r, from
	}
	from.addr = addr
	moved := *r
	moved.RemoteAddr = addr.String()
	return &moved, from
}

// forwardedFor walks the hops from the nearest to the farthest and returns the
// first that is not a trusted proxy. What is before that, the client may have
// made up. Any hop that is no address spoils the list.
func (s *Server) forwardedFor(lines []string) (addr netip.Addr, ok bool) {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var hop string
			if c := strings.LastIndexByte(rest, ','); c >= 0 {
				rest, hop = rest[:c], rest[c+1:]
			} else {
				hop, more = rest, false
			}
			if hops++; hops > maxHops {
				return netip.Addr{}, false
			}
			if addr, ok = hopAddr(strings.Trim(hop, " \t")); !ok {
				return netip.Addr{}, false
			}
			if !s.trusted(addr) {
				return addr, true
			}
		}
	}
	return addr, hops > 0
}

// trusted reports whether an address is one of a trusted proxy. A peer without
// an address sits on a Unix socket, whose permissions have let it in.
func (s *Server) trusted(addr netip.Addr) bool {
	if !addr.IsValid() {
		return true
	}
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// lastElement is the last element of a header that is a list.
func lastElement(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	last := lines[len(lines)-1]
	return strings.Trim(last[strings.LastIndexByte(last, ',')+1:], " \t")
}

// peerAddr is the address in an http.Request.RemoteAddr.
func peerAddr(remote string) netip.Addr {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return plainAddr(ap.Addr())
	}
	addr, _ := netip.ParseAddr(remote)
	return plainAddr(addr)
}

// hopAddr reads one element of X-Forwarded-For: an address, perhaps with a port.
func hopAddr(hop string) (netip.Addr, bool) {
	if len(hop) > maxHopText {
		return netip.Addr{}, false
	}
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]")); err == nil {
		return plainAddr(addr), true
	}
	ap, err := netip.ParseAddrPort(hop)
	return plainAddr(ap.Addr()), err == nil
}

// plainAddr gives one address one spelling: an IPv4 address mapped into IPv6 is
// that IPv4 address, and a zone is nobody's business.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
