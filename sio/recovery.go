package sio

import (
	"container/list"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/engine"
)

// Recovery lets the clients of a namespace that lost their connection return as
// the socket they were: with its id, rooms, Data and what Share published, and
// with every event they missed, which they get before anything new. Official
// clients do their part unasked. A zero field means the default in its comment.
//
// Every event without an ack gets one more argument for it, a string that tells
// where the client stands; official clients pass it on to their listeners.
// Events that ask for an ack, volatile ones and those of SendPacket are not sent
// again. An event that a middleware emits waits for the answer to the CONNECT; a
// volatile one is dropped.
//
// A client returns whole or not at all: when an event that it missed is no longer
// known, or it was gone for too long, it becomes a new socket, and
// [Socket.Recovered] tells the difference. The keys pid and offset of the auth
// payload belong to recovery and are taken out of it.
type Recovery struct {
	For       time.Duration // how long a socket may be gone; 2 min
	Sockets   int           // how many may be gone at once; 4096; beyond: the one gone longest is forgotten
	Packets   int           // events of the namespace kept; 4096; beyond: the oldest is forgotten
	Bytes     int           // their bytes; 8 MiB; beyond: likewise
	PacketAge time.Duration // how long they are kept; For and a minute more
	// RunMiddleware asks the middleware of the namespace about those who return
	// too. Otherwise they were asked once.
	RunMiddleware bool
}

func (r Recovery) withDefaults() Recovery {
	for _, d := range []struct {
		v   *int
		def int
	}{{&r.Sockets, 4096}, {&r.Packets, 4096}, {&r.Bytes, 8 << 20}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if r.For <= 0 {
		r.For = 2 * time.Minute
	}
	if r.PacketAge <= 0 {
		r.PacketAge = r.For + time.Minute
	}
	return r
}

// Recovered reports whether the client came back as the socket it was before,
// see [Recovery].
func (s *Socket) Recovered() bool { return s.back != nil && s.back.recovered }

// recovery is what a namespace knows for clients that come back. Its mutex
// makes the number of an event, its place in the log and its place in the
// stream of every socket one thing. It is taken before that of the namespace
// and held over sends, which never block and never call back.
type recovery struct {
	// Immutable.
	nsp   *Namespace
	cfg   Recovery
	epoch string // tells this log from those of other namespaces and servers

	mu sync.Mutex
	// mu guards the following.
	seq     uint64 // of the last event
	log     []logged
	head    int // of the log
	bytes   int // in the log
	live    map[string]*Socket
	gone    map[string]*list.Element // of order, by pid
	goneID  map[string]*session
	order   *list.List // of *session, those gone longest first
	timer   *time.Timer
	forgets int // uses of the namespace to release after unlocking
}

// logged is an event that may have to be sent again.
type logged struct {
	payload       []byte // with its offset
	rooms, except []string
	only, skip    string // ids
	at            time.Time
}

func (e *logged) size() int { return len(e.payload) + logOverhead }

// run is a row of events, both ends included.
type run struct{ from, to uint64 }

// standing is where a client is in the stream: it was sent the events of runs
// and, before those, old was the last.
type standing struct {
	pid   string // secret: who knows it may become the socket
	start uint64 // the last event before the socket came to be
	old   uint64
	runs  []run
	raw   bool // SendPacket was used, so the client may have been given any string
}

// session is a socket that may come back.
type session struct {
	standing
	id      string
	data    any
	shared  []byte
	rooms   []string // sorted
	left    uint64   // the last event when it left
	lost    uint64   // the last event since then that was for it and is forgotten
	until   time.Time
	claimed bool
}

// comeback is what recovery knows of one socket.
type comeback struct {
	asked, offset string // of the CONNECT

	// Owned by the goroutine of the handlers.
	session   *session // claimed
	recovered bool
	left      chan struct{} // closed when the socket has left the namespace

	unmarked atomic.Bool // see unnumbered

	// Guarded by recovery.mu.
	standing
	held      [][]byte // events emitted before the CONNECT was answered
	heldBytes int
}

func newRecovery(n *Namespace, cfg Recovery) *recovery {
	return &recovery{
		nsp: n, cfg: cfg.withDefaults(), epoch: randomID()[:8],
		live: make(map[string]*Socket), gone: make(map[string]*list.Element),
		goneID: make(map[string]*session), order: list.New(),
	}
}

func randomID() string {
	var b [idBytes]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// unlock releases what was forgotten meanwhile.
func (r *recovery) unlock() {
	n := r.forgets
	r.forgets = 0
	r.mu.Unlock()
	for range n {
		r.nsp.release()
	}
}

// offset is the string that tells a client that it has all up to seq.
func (r *recovery) offset(seq uint64) string {
	return r.epoch + "." + strconv.FormatUint(seq, 36)
}

// position is where a client stands that has seen an offset. A client without
// one, or with one of another life of the server, has seen nothing since start.
// ok is false when nobody can tell.
func (r *recovery) position(offset string, st *standing) (seq uint64, ok bool) {
	epoch, digits, _ := strings.Cut(offset, ".")
	if epoch != r.epoch {
		return st.start, !st.raw || offset == ""
	}
	n, err := strconv.ParseUint(digits, 36, 64)
	if err != nil || n > r.seq {
		return 0, false
	}
	return max(n, st.start), true
}

// evicted is the last event that is not in the log any more.
func (r *recovery) evictedLocked() uint64 { return r.seq - uint64(len(r.log)-r.head) }

func (r *recovery) entryLocked(seq uint64) *logged {
	return &r.log[r.head+int(seq-r.evictedLocked())-1]
}

// appendLocked adds the event r.seq to the log, which forgets old ones.
func (r *recovery) appendLocked(e logged) {
	e.at = time.Now()
	r.log = append(r.log, e)
	r.bytes += e.size()
	r.trimLocked(e.at)
	r.armLocked()
}

// trimLocked brings the log back into its bounds.
func (r *recovery) trimLocked(now time.Time) {
	for r.head < len(r.log) {
		e := &r.log[r.head]
		if len(r.log)-r.head <= r.cfg.Packets && r.bytes <= r.cfg.Bytes && now.Sub(e.at) < r.cfg.PacketAge {
			break
		}
		r.missLocked(r.evictedLocked()+1, e)
		r.bytes -= e.size()
		*e = logged{}
		r.head++
	}
	if r.head >= 64 && r.head*2 >= len(r.log) {
		n := copy(r.log, r.log[r.head:])
		clear(r.log[n:])
		r.log, r.head = r.log[:n], 0
	}
}

// missLocked notes for whom a forgotten event was that had left before it.
func (r *recovery) missLocked(seq uint64, e *logged) {
	if e.only != "" {
		if s := r.goneID[e.only]; s != nil && s.left < seq {
			s.lost = seq
		}
		return
	}
	for at := r.order.Front(); at != nil; at = at.Next() {
		s := sessionAt(at)
		if s.left >= seq {
			break // those behind left later
		}
		if s.addressed(e) {
			s.lost = seq
		}
	}
}

func sessionAt(at *list.Element) *session {
	s, _ := at.Value.(*session) // nothing else is in the list
	return s
}

// addressed reports whether an event would have gone to the socket.
func (s *session) addressed(e *logged) bool {
	in := func(names []string) bool {
		return slices.ContainsFunc(names, func(room string) bool {
			_, found := slices.BinarySearch(s.rooms, room)
			return found
		})
	}
	switch {
	case e.only != "":
		return e.only == s.id
	case e.skip == s.id, in(e.except):
		return false
	}
	return len(e.rooms) == 0 || in(e.rooms)
}

// note remembers that an event was for the socket.
func (st *standing) note(seq, evicted uint64) {
	if n := len(st.runs); n > 0 && st.runs[n-1].to+1 == seq {
		st.runs[n-1].to = seq
		return
	}
	gone := 0
	for gone < len(st.runs) && st.runs[gone].to <= evicted {
		st.old = st.runs[gone].to
		gone++
	}
	st.runs = append(slices.Delete(st.runs, 0, gone), run{seq, seq})
}

// missedLocked returns the events that a client at position from has missed;
// ok is false when some of them are forgotten, or they are too much for one
// connection to take at once.
func (r *recovery) missedLocked(s *session, from uint64) (missed []uint64, ok bool) {
	evicted := r.evictedLocked()
	if s.old > from || s.lost > from {
		return nil, false
	}
	bytes := 0
	take := func(seq uint64) bool {
		missed = append(missed, seq)
		bytes += len(r.entryLocked(seq).payload)
		return bytes <= r.nsp.srv.replay
	}
	for _, row := range s.runs {
		if row.from <= evicted && min(row.to, evicted) > from {
			return nil, false
		}
		for seq := max(row.from, from+1); seq <= row.to; seq++ {
			if !take(seq) {
				return nil, false
			}
		}
	}
	for seq := max(s.left, evicted) + 1; seq <= r.seq; seq++ {
		if seq > from && s.addressed(r.entryLocked(seq)) && !take(seq) {
			return nil, false
		}
	}
	return missed, true
}

// keepLocked remembers a socket that has lost its connection.
func (r *recovery) keepLocked(s *Socket) {
	s.mu.RLock()
	shared := s.shared
	s.mu.RUnlock()
	now := time.Now()
	k := &session{
		standing: s.back.standing, id: s.id, data: s.Data, shared: shared, rooms: s.Rooms(),
		left: r.seq, until: now.Add(r.cfg.For),
	}
	k.raw = k.raw || s.back.unmarked.Load()
	r.nsp.srv.mu.Lock()
	r.nsp.users++
	r.nsp.srv.mu.Unlock()
	r.gone[k.pid] = r.order.PushBack(k)
	r.goneID[k.id] = k
	r.expireLocked(now)
	r.armLocked()
}

// expireLocked forgets sockets that were gone for too long, or are too many.
func (r *recovery) expireLocked(now time.Time) {
	for at := r.order.Front(); at != nil; {
		s, next := sessionAt(at), at.Next()
		if r.order.Len() <= r.cfg.Sockets && now.Before(s.until) {
			return
		}
		if !s.claimed {
			r.forgetLocked(s)
		}
		at = next
	}
}

func (r *recovery) forgetLocked(s *session) {
	r.order.Remove(r.gone[s.pid])
	delete(r.gone, s.pid)
	delete(r.goneID, s.id)
	r.forgets++
}

// armLocked sees to it that what is old is forgotten when nothing happens.
func (r *recovery) armLocked() {
	if r.timer != nil {
		return
	}
	var due time.Time
	if r.head < len(r.log) {
		due = r.log[r.head].at.Add(r.cfg.PacketAge)
	}
	if first := r.order.Front(); first != nil {
		if until := sessionAt(first).until; due.IsZero() || until.Before(due) {
			due = until
		}
	}
	if due.IsZero() {
		return
	}
	r.timer = time.AfterFunc(max(time.Until(due), minSweep), func() {
		r.mu.Lock()
		r.timer = nil
		now := time.Now()
		r.trimLocked(now)
		r.expireLocked(now)
		r.armLocked()
		r.unlock()
	})
}

// recoverable reports whether a client may come back after a reason. After the
// others it would not, or should not.
func recoverable(reason string) bool {
	switch reason {
	case engine.ReasonTransportClose.Text(), engine.ReasonTransportError.Text(), engine.ReasonForced.Text(),
		engine.ReasonNoPong.Text(), engine.ReasonServerShutdown.Text(), "forced server close":
		return true
	}
	return false
}
