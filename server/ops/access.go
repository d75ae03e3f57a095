package ops

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"

	"gameserver/sio"
)

// access judges tokens. Who gives wrong ones must wait; others need not.
type access struct {
	open bool
	want [sha256.Size]byte

	mu     sync.Mutex // guards the following
	wrongs map[string]wrong
}

// wrong is what an address has tried: a bucket that drains.
type wrong struct {
	level float64
	at    time.Time
}

func newAccess(token string) *access {
	return &access{open: token == "", want: sha256.Sum256([]byte(token)), wrongs: make(map[string]wrong)}
}

// check returns why a token does not let its bearer in, or nil.
func (a *access) check(address, token string, now time.Time) *sio.Error {
	if a.open {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.wrongs[address]
	w.level = max(0, w.level-float64(now.Sub(w.at))/float64(FailureEvery))
	if w.level > MaxFailures-1 {
		wait := time.Duration((w.level - (MaxFailures - 1)) * float64(FailureEvery))
		return &sio.Error{Code: "rate_limited", Msg: "too many wrong tokens", RetryMs: wait.Milliseconds() + 1}
	}
	got := sha256.Sum256([]byte(token)) // so that the comparison tells nothing of the length
	if subtle.ConstantTimeCompare(got[:], a.want[:]) == 1 {
		delete(a.wrongs, address)
		return nil
	}
	if token == "" { // a page that does not know yet that it needs one
		return &sio.Error{Code: "auth_failed", Msg: "a token is needed"}
	}
	if len(a.wrongs) >= MaxAddresses {
		a.forgetOldest()
	}
	a.wrongs[address] = wrong{w.level + 1, now}
	return &sio.Error{Code: "auth_failed", Msg: "that is not the token"}
}

func (a *access) forgetOldest() {
	oldest := ""
	for address, w := range a.wrongs {
		if oldest == "" || w.at.Before(a.wrongs[oldest].at) {
			oldest = address
		}
	}
	delete(a.wrongs, oldest)
}
