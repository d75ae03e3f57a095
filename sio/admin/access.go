package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"

	"gameserver/sio"
)

// access decides who may look.
type access struct {
	check func(username, password string) bool

	mu       sync.Mutex // guards the following
	sessions map[string]time.Time
	failures map[string]*failure
}

// failure is the state of an address that gave wrong passwords: a bucket that
// drains.
type failure struct {
	level float64
	at    time.Time
}

func newAccess(cfg Config) *access {
	a := &access{check: cfg.Check, sessions: make(map[string]time.Time), failures: make(map[string]*failure)}
	if a.check == nil {
		name, password := sha256.Sum256([]byte(cfg.Username)), sha256.Sum256([]byte(cfg.Password))
		a.check = func(u, p string) bool {
			gotName, gotPassword := sha256.Sum256([]byte(u)), sha256.Sum256([]byte(p))
			return subtle.ConstantTimeCompare(name[:], gotName[:])&subtle.ConstantTimeCompare(password[:], gotPassword[:]) == 1
		}
	}
	return a
}

// credentials are what the page sends as auth.
type credentials struct {
	Username  *string `json:"username"`
	Password  *string `json:"password"`
	SessionID *string `json:"sessionId"`
}

// middleware lets pages in.
func (a *access) middleware(s *sio.Socket) error {
	var c credentials
	if err := s.Auth(&c); err != nil {
		return invalid()
	}
	now := time.Now()
	if c.SessionID != nil && a.known(*c.SessionID, now) {
		return nil
	}
	if c.Username == nil || c.Password == nil {
		return invalid()
	}
	address := s.Handshake().Address
	if wait := a.limited(address, now); wait > 0 {
		return &sio.Error{Code: "rate_limited", Msg: "too many attempts", RetryMs: wait.Milliseconds()}
	}
	if !a.check(*c.Username, *c.Password) {
		return invalid()
	}
	a.forgive(address)
	return s.Emit("session", a.remember(now))
}

// invalid is the text that the page knows.
func invalid() error { return &sio.Error{Code: "auth_failed", Msg: "invalid credentials"} }

func (a *access) known(id string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	end, ok := a.sessions[id]
	return ok && now.Before(end)
}

// remember makes a session. Its id is a secret of 128 bits, so that a map may
// look it up.
func (a *access) remember(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	id := hex.EncodeToString(b[:])
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sessions) >= maxSessions {
		var oldest string
		for other, end := range a.sessions {
			if oldest == "" || end.Before(a.sessions[oldest]) {
				oldest = other
			}
		}
		delete(a.sessions, oldest)
	}
	a.sessions[id] = now.Add(sessionLife)
	return id
}

// limited counts an attempt of an address as wrong until forgive says otherwise.
// If there were too many it returns how long to wait.
func (a *access) limited(address string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures[address]
	if f == nil {
		if len(a.failures) >= maxAddresses {
			a.sweepLocked(now)
		}
		if len(a.failures) >= maxAddresses {
			return failureEvery
		}
		f = &failure{at: now}
		a.failures[address] = f
	}
	f.drain(now)
	if f.level > maxFailures-1 {
		return time.Duration((f.level - (maxFailures - 1)) * float64(failureEvery))
	}
	f.level++
	return 0
}

func (f *failure) drain(now time.Time) {
	f.level = max(0, f.level-float64(now.Sub(f.at))/float64(failureEvery))
	f.at = now
}

func (a *access) sweepLocked(now time.Time) {
	for address, f := range a.failures {
		if f.drain(now); f.level == 0 {
			delete(a.failures, address)
		}
	}
}

func (a *access) forgive(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failures, address)
}
