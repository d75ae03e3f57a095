package engine

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// Abuse bounds what one network may do. The zero value is on, at values that
// people behind one address do not meet, and spares clients on loopback. A
// network is an IPv4 address or an IPv6 /64; the /48 around that has the same
// limits eight times over. Behind a proxy, set Config.TrustedProxies, or all
// clients are the proxy.
type Abuse struct {
	// Off switches all of it off.
	Off bool
	// Loopback binds clients on loopback too.
	Loopback bool
	// SessionRate and SessionBurst bound new sessions: so many per second, and so
	// many at once after a pause; 20 and 40 if zero. A negative rate is none.
	SessionRate, SessionBurst int
	// Sessions bounds concurrent sessions; 200 if zero, negative is no bound.
	Sessions int
	// UnknownSIDs bounds requests that name a session that is not there, within
	// ten seconds; 10 if zero, negative is no bound.
	UnknownSIDs int
}

func (a Abuse) withDefaults() Abuse {
	for _, d := range []struct {
		v   *int
		def int
	}{{&a.SessionRate, defaultSessionRate}, {&a.SessionBurst, defaultSessionBurst}, {&a.Sessions, defaultSessions}, {&a.UnknownSIDs, defaultUnknownSIDs}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	a.SessionBurst = max(a.SessionBurst, 1)
	return a
}

// quotaKey names a network: the bits that count, and which kind they are.
type quotaKey struct {
	bits uint64
	kind quotaKind
}

type quotaKind uint8

const (
	quotaIPv4 quotaKind = iota // /32
	quotaNet                   // IPv6 /64
	quotaSite                  // IPv6 /48
)

// scale is how many times over the kind has the limits.
func (k quotaKind) scale() int {
	if k == quotaSite {
		return siteScale
	}
	return 1
}

// quota is what one network has used. limiter.mu guards it.
type quota struct {
	key        quotaKey
	newer      *quota
	older      *quota
	tokens     float64       // new sessions left
	filled     time.Duration // when tokens was right
	missed     time.Duration // start of the window of misses
	misses     int32
	sessions   int32
	windowOpen bool
}

// pass is the place that a session occupies in the quotas of its networks.
type pass [2]*quota

// limiter keeps the quotas of the networks seen last. Its memory is bounded:
// the network not seen for the longest time is forgotten first. Times are since
// any fixed moment.
type limiter struct {
	cfg  Abuse
	most int

	mu     sync.Mutex
	quotas map[quotaKey]*quota
	newest *quota
	oldest *quota
}

func newLimiter(cfg Abuse, most int) *limiter {
	return &limiter{cfg: cfg.withDefaults(), most: most, quotas: make(map[quotaKey]*quota)}
}

// exempt reports whether the limits do not bind an address.
func (l *limiter) exempt(addr netip.Addr) bool {
	return l.cfg.Off || !addr.IsValid() || addr.IsLoopback() && !l.cfg.Loopback
}

// enter takes a place for a new session. If there is none it says when to ask
// again.
func (l *limiter) enter(addr netip.Addr, now time.Duration) (p pass, retry time.Duration, ok bool) {
	if l.exempt(addr) {
		return pass{}, 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p = l.findLocked(addr, now)
	for _, q := range p {
		if q == nil {
			continue
		}
		retry = max(retry, l.untilToken(q, now))
		if l.cfg.Sessions > 0 && int(q.sessions) >= l.cfg.Sessions*q.key.kind.scale() {
			retry = max(retry, fullRetry)
		}
	}
	if retry > 0 {
		return pass{}, retry, false
	}
	for _, q := range p {
		if q != nil {
			q.tokens--
			q.sessions++
		}
	}
	return p, 0, true
}

// leave gives back what enter took.
func (l *limiter) leave(p pass) {
	if p == (pass{}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range p {
		if q != nil {
			q.sessions--
		}
	}
}

// miss counts a request for a session that is not there. If that is one too
// many it says when to ask again.
func (l *limiter) miss(addr netip.Addr, now time.Duration) (retry time.Duration, ok bool) {
	if l.exempt(addr) || l.cfg.UnknownSIDs < 0 {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.findLocked(addr, now) {
		if q == nil {
			continue
		}
		if !q.windowOpen || now-q.missed >= missWindow {
			q.windowOpen, q.missed, q.misses = true, now, 0
		}
		if int(q.misses) >= l.cfg.UnknownSIDs*q.key.kind.scale() {
			retry = max(retry, q.missed+missWindow-now)
			continue
		}
		q.misses++
	}
	return retry, retry == 0
}

// untilToken refills the bucket of q and returns how long it stays empty.
func (l *limiter) untilToken(q *quota, now time.Duration) time.Duration {
	if l.cfg.SessionRate < 0 {
		q.tokens = 1
		return 0
	}
	rate := float64(l.cfg.SessionRate * q.key.kind.scale())
	full := float64(l.cfg.SessionBurst * q.key.kind.scale())
	q.tokens = min(full, q.tokens+(now-q.filled).Seconds()*rate)
	q.filled = now
	if q.tokens >= 1 {
		return 0
	}
	return max(1, time.Duration((1-q.tokens)/rate*float64(time.Second)))
}

// findLocked returns the quotas of the networks of an address.
func (l *limiter) findLocked(addr netip.Addr, now time.Duration) (p pass) {
	if addr.Is4() {
		a := addr.As4()
		p[0] = l.quotaLocked(quotaKey{uint64(binary.BigEndian.Uint32(a[:])), quotaIPv4}, now)
		return p
	}
	a := addr.As16()
	high := binary.BigEndian.Uint64(a[:8])
	p[0] = l.quotaLocked(quotaKey{high, quotaNet}, now)
	p[1] = l.quotaLocked(quotaKey{high >> 16, quotaSite}, now)
	return p
}

// quotaLocked returns the quota of a network, now the newest.
func (l *limiter) quotaLocked(key quotaKey, now time.Duration) *quota {
	q := l.quotas[key]
	if q == nil {
		if len(l.quotas) >= l.most {
			// A session of it still holds the quota; it only cannot be found again.
			gone := l.oldest
			l.unlinkLocked(gone)
			delete(l.quotas, gone.key)
		}
		q = &quota{key: key, tokens: float64(l.cfg.SessionBurst * key.kind.scale()), filled: now}
		l.quotas[key] = q
	} else {
		l.unlinkLocked(q)
	}
	q.older, q.newer = l.newest, nil
	if l.newest != nil {
		l.newest.newer = q
	} else {
		l.oldest = q
	}
	l.newest = q
	return q
}

func (l *limiter) unlinkLocked(q *quota) {
	if q.newer != nil {
		q.newer.older = q.older
	} else {
		l.newest = q.older
	}
	if q.older != nil {
		q.older.newer = q.newer
	} else {
		l.oldest = q.newer
	}
	q.newer, q.older = nil, nil
}
