package sio

import (
	"math"
	"slices"
	"time"

	"gameserver/engine"
)

// Abuse bounds what one connection may send. The zero value is on, with bounds
// that only a program at fault or at war reaches; for networks of clients see
// Engine.Abuse, for what one connection may hold see [Limits].
//
// Above a rate an event is not handled: if it asked for an ack it is answered
// with rate_limited and retryMs, otherwise it is dropped and counted. A client
// that sends at more than four times a rate for three seconds on end, or a
// minute's worth within one, is closed with rate_limited, without a look at its
// messages.
type Abuse struct {
	// Off switches all of it off.
	Off bool
	// Messages and Bytes bound everything the client sends: 2000 and 8 MiB a
	// second, five seconds' and two seconds' worth at once.
	Messages, Bytes Rate
	// Classes bound events by name, beside that. An event belongs to the first
	// class that names it.
	Classes []Class
	// EarlyMessages and EarlyBytes bound what a client sends before it is in its
	// first namespace: 128 and 64 KiB. Beyond it is closed with rate_limited.
	EarlyMessages, EarlyBytes int
	// Joins bounds the namespaces joined: 20 a second, 100 at once. Beyond a
	// CONNECT is refused with rate_limited.
	Joins Rate
	// Strict says in which namespaces events that do not fit their handler, or
	// have none, are strikes. Nil: in none.
	Strict func(namespace string) bool
	// Strikes is how many there may be in a minute: 20. The next ends the socket,
	// with DISCONNECT so that a stock client stays away, and closes the connection
	// with bad_payload.
	Strikes int
}

// Rate is a token bucket.
type Rate struct {
	PerSecond int // zero: the default, or no bound where there is none; negative: no bound
	Burst     int // at once after a pause; zero: two seconds' worth
}

// Class is a kind of events with bounds of its own.
type Class struct {
	Namespace string   // "": every one
	Events    []string // none: all
	Messages  Rate
	Bytes     Rate
	// Rates, where it is set, says the rates of one socket in place of Messages
	// and Bytes. It is asked when the socket first sends such an event, on the
	// reader, and must not block.
	Rates func(*Socket) (messages, bytes Rate)
}

func (a *Abuse) withDefaults() {
	a.Messages = a.Messages.or(Rate{2000, 10_000})
	a.Bytes = a.Bytes.or(Rate{8 << 20, 16 << 20})
	a.Joins = a.Joins.or(Rate{20, 100})
	classes := make([]Class, len(a.Classes))
	for i, c := range a.Classes {
		c.Messages, c.Bytes = c.Messages.or(Rate{}), c.Bytes.or(Rate{})
		classes[i] = c
	}
	a.Classes = classes
	a.EarlyMessages = orDefault(a.EarlyMessages, 128)
	a.EarlyBytes = orDefault(a.EarlyBytes, 64<<10)
	a.Strikes = orDefault(a.Strikes, 20)
}

func (r Rate) or(d Rate) Rate {
	if r.PerSecond == 0 {
		r.PerSecond = d.PerSecond
		if r.Burst == 0 {
			r.Burst = d.Burst
		}
	}
	if r.Burst <= 0 {
		r.Burst = 2 * max(r.PerSecond, 0)
	}
	return r
}

// bucket is what is left of a rate, and whether it is exceeded by far. Every
// connection has some: they are small.
type bucket struct {
	tokens float64
	filled instant // zero: never
	window instant // start of the second
	sum    float64 // in it
	surges int     // seconds before it, on end, with more than hardFactor times the rate
}

// instant is a moment since the process began, in nanoseconds.
type instant int64

var began = time.Now()

func now() instant { return instant(time.Since(began)) + 1 }

func (i instant) since(before instant) time.Duration { return time.Duration(i - before) }

// take takes n tokens, or says when there will be so many. hard says that the
// client exceeds the rate by far and for long.
func (b *bucket) take(r Rate, n int, now instant) (retry time.Duration, hard bool) {
	if r.PerSecond <= 0 {
		return 0, false
	}
	rate, burst := float64(r.PerSecond), float64(r.Burst)
	if b.filled == 0 {
		b.tokens, b.window = burst, now
	} else {
		b.tokens = min(burst, b.tokens+now.since(b.filled).Seconds()*rate)
	}
	b.filled = now
	if passed := now.since(b.window); passed >= time.Second {
		if b.sum > hardFactor*rate && passed < 2*time.Second {
			b.surges++
		} else {
			b.surges = 0
		}
		b.window, b.sum = now, 0
	}
	b.sum += float64(n)
	hard = b.surges >= hardSeconds || b.sum > burst+hardBurst*rate
	cost := min(float64(n), burst)
	if b.tokens >= cost {
		b.tokens -= cost
		return 0, hard
	}
	return time.Duration((cost - b.tokens) / rate * float64(time.Second)), hard
}

// meter is a pair of buckets.
type meter struct{ messages, bytes bucket }

func (m *meter) take(messages, bytes Rate, n int, now instant) (retry time.Duration, hard bool) {
	r1, h1 := m.messages.take(messages, 1, now)
	r2, h2 := m.bytes.take(bytes, n, now)
	return max(r1, r2), h1 || h2
}

// classMeter is what is left to one connection in a class.
type classMeter struct {
	meter
	of              *Socket // whose rates these are
	messages, bytes Rate
}

// ratesOf are the rates of a class for a socket. What was already spent stays so
// when another socket of the connection takes its place.
func (m *classMeter) ratesOf(c *Class, s *Socket) (messages, bytes Rate) {
	if c.Rates == nil {
		return c.Messages, c.Bytes
	}
	if m.of != s {
		m.of = s
		m.messages, m.bytes = c.Rates(s)
		m.messages, m.bytes = m.messages.or(Rate{}), m.bytes.or(Rate{})
	}
	return m.messages, m.bytes
}

// budget is what a connection may still send. Its reader owns it.
type budget struct {
	all           meter
	joins         bucket
	classes       []classMeter
	now           instant       // when the packet that is being read came
	retry         time.Duration // of that packet
	size          int
	early         int // messages before the first namespace
	earlyBytes    int
	lifted        bool
	strikes       int // guarded by conn.mu, as is the next
	strikesWindow instant
}

// charge accounts for a message, before it is looked at.
func (c *conn) charge(n int) error {
	a, b := &c.srv.cfg.Abuse, &c.budget
	if a.Off {
		return nil
	}
	if !b.lifted {
		c.mu.Lock()
		b.lifted = c.admitted
		c.mu.Unlock()
	}
	if !b.lifted {
		b.early++
		b.earlyBytes += n
		if b.early > a.EarlyMessages || b.earlyBytes > a.EarlyBytes {
			return errFlood
		}
	}
	if !c.owes { // otherwise it belongs to the packet before
		b.retry, b.size = 0, 0
	}
	b.now = now()
	retry, hard := b.all.take(a.Messages, a.Bytes, n, b.now)
	if hard {
		return errFlood
	}
	b.retry, b.size = max(b.retry, retry), b.size+n
	return nil
}

// chargeEvent accounts for an event in its class. It reports whether the event
// is not to be handled.
func (c *conn) chargeEvent(s *Socket, e *Event) (limited bool, err error) {
	a, b := &c.srv.cfg.Abuse, &c.budget
	if a.Off {
		return false, nil
	}
	if i := a.class(s.nsp.name, e.name); i >= 0 {
		if b.classes == nil {
			b.classes = make([]classMeter, len(a.Classes))
		}
		m := &b.classes[i]
		messages, bytes := m.ratesOf(&a.Classes[i], s)
		retry, hard := m.take(messages, bytes, b.size, b.now)
		if hard {
			return true, errFlood
		}
		b.retry = max(b.retry, retry)
	}
	if b.retry <= 0 {
		return false, nil
	}
	c.srv.refused(codeRateLimited)
	if e.hasID {
		_ = s.sendAck(e.id, []any{refusal{Err: rateLimited(b.retry)}}) // a transport that is gone needs no answer
	}
	return true, nil
}

// class is the index of the first class that names an event, or -1.
func (a *Abuse) class(nsp string, event []byte) int {
	for i := range a.Classes {
		c := &a.Classes[i]
		if c.Namespace != "" && c.Namespace != nsp {
			continue
		}
		if len(c.Events) == 0 {
			return i
		}
		if slices.Contains(c.Events, string(event)) {
			return i
		}
	}
	return -1
}

// chargeJoin accounts for a CONNECT to a namespace that exists.
func (c *conn) chargeJoin() *Error {
	a := &c.srv.cfg.Abuse
	if a.Off {
		return nil
	}
	if retry, _ := c.budget.joins.take(a.Joins, 1, now()); retry > 0 {
		return rateLimited(retry)
	}
	return nil
}

func rateLimited(retry time.Duration) *Error {
	ms := int64(math.Ceil(float64(retry) / float64(time.Millisecond)))
	return &Error{Code: codeRateLimited, Msg: "Too many requests", RetryMs: max(ms, 1)}
}

// Strike counts an event that makes no sense, where [Abuse.Strict] holds that
// against the client: handlers set with OnRaw or OnArgs say so themselves.
func (s *Socket) Strike() {
	c := s.conn
	a := &c.srv.cfg.Abuse
	if a.Off || a.Strict == nil || !a.Strict(s.nsp.name) {
		return
	}
	at := now()
	c.mu.Lock()
	b := &c.budget
	if b.strikesWindow == 0 || at.since(b.strikesWindow) >= time.Minute {
		b.strikes, b.strikesWindow = 0, at
	}
	b.strikes++
	out := b.strikes == a.Strikes+1
	c.mu.Unlock()
	if out {
		c.srv.refused("strikes")
		s.Disconnect(false)
		c.link.Close(engine.ReasonBadPayload)
	}
}
