package tick

// sample is a reading of what the kernel knows about the calling thread.
type sample struct {
	ok   bool
	tid  int
	at   int64 // on the scheduler's clock
	ran  int64 // nanoseconds on a processor, since the thread began
	wait int64 // nanoseconds runnable without one
}

// gap is what happened between the time a worker should have woken and the time
// it did, as far as it was measured.
type gap struct {
	wait  int64 // its thread was runnable without a processor
	block int64 // it was busy with other goroutines, or waited for the runtime to let it go on
}

// thread follows the thread that a worker runs on. A goroutine may change
// threads; only readings of the same one are compared.
type thread struct {
	host host
	last sample
	seen [maxThreads]sample // of other threads
	when int                // of seen: what is replaced next
	own  bool               // it runs the worker and nothing else
	room [maxThreads]threadFile
	turn int // of room: what is replaced next
}

// calm takes a reading before the worker sleeps.
func (t *thread) calm(w *worker) {
	if t.host == nil {
		return
	}
	if now := w.clk.now(); !t.last.ok || now-t.last.at > sampleEvery {
		t.look(w)
	}
}

// look takes a reading and returns the last one of the same thread, if that is
// known: the worker's own, or that of the last census.
func (t *thread) look(w *worker) (before sample) {
	was := t.last
	t.last = t.host.sample(w)
	// The reading itself may have been interrupted, and has that in it.
	t.last.at = w.clk.now()
	if !was.ok || was.tid == t.last.tid {
		return was
	}
	for i := range t.seen {
		if t.seen[i].tid == t.last.tid {
			before, t.seen[i] = t.seen[i], was
			return t.newer(before)
		}
	}
	t.seen[t.when] = was
	t.when = (t.when + 1) % maxThreads
	return t.newer(sample{})
}

// newer returns the last census of the current thread if that is newer.
func (t *thread) newer(was sample) sample {
	if s := t.host.known(t.last.tid); s.ok && s.at < t.last.at && s.at > was.at {
		return s
	}
	return was
}

// rouse is called when the worker wakes and returns what delayed it, and the time
// up to which that is known.
func (t *thread) rouse(w *worker, meant, now int64) (g gap, until int64) {
	if t.host == nil || meant == never || now-meant < int64(stealAfter) {
		return g, now
	}
	was := t.look(w)
	now = t.last.at
	late := now - meant
	if late > int64(LateThreshold) {
		t.host.count(now)
	}
	if !was.ok || !t.last.ok {
		return g, now
	}
	g.wait = t.last.wait - was.wait
	ran, span := t.last.ran-was.ran, max(now-was.at, late)
	if t.own {
		g.block = max(late-g.wait-ran, 0)
	} else if ran > late/4 {
		// The thread ran other goroutines meanwhile, and waited for theirs too.
		part := float64(late) / float64(span)
		g.wait = int64(float64(g.wait) * part)
		g.block = int64(float64(ran) * part)
	}
	return g, now
}

// stretch is called after a tick and returns how much of its time the thread was
// runnable without a processor, and how much at least it was not even that: the
// tick waited for a lock, say, or its goroutine for its turn. The tick ends when
// that is known.
func (t *thread) stretch(w *worker, start, now int64) (waited, off, end int64) {
	if t.host == nil || now-start < sampleEvery {
		return 0, 0, now
	}
	first := t.last
	was := t.look(w)
	now = t.last.at
	took := now - start
	if !was.ok || !t.last.ok || was.at > start {
		return 0, 0, now
	}
	ran, wait := t.last.ran-was.ran, max(t.last.wait-was.wait, 0)
	if off = took - ran - wait; first.ok && first.tid != t.last.tid {
		// It was on both threads; on the first perhaps all the time of which there
		// is no reading.
		t.host.count(now)
		if f := t.host.known(first.tid); f.ok && f.at >= first.at {
			off -= f.ran - first.ran + f.wait - first.wait + max(now-f.at, 0)
		} else {
			off = 0
		}
	}
	if ran+wait > took {
		// A part of that was before the tick.
		wait = int64(float64(wait) * float64(took) / float64(ran+wait))
	}
	return wait, max(off, 0), now
}

func (t *thread) close() {
	for i := range t.room {
		t.room[i].close()
	}
}

// span is a stretch of time on the scheduler's clock.
type span struct{ from, to int64 }

// in returns how much of s lies between from and to.
func (s span) in(from, to int64) int64 { return max(min(s.to, to)-max(s.from, from), 0) }

// host is where evidence about the process and the machine comes from.
type host interface {
	// sample reads the calling thread, which runs w, and known returns the last
	// census of one; count takes another one.
	sample(w *worker) sample
	known(tid int) sample
	count(now int64)
	// observe brings the rest up to date. It and the following are called by
	// the scheduler's keeper alone.
	observe(now int64)
	paused(from, to int64) int64           // the garbage collector stopped the world
	marking(from, to int64) int64          // it had the processors for itself
	stolen(from, to int64) int64           // the hypervisor ran somebody else
	queued(from, to int64) int64           // the longest that a goroutine waited for a processor of the process
	used(from, to int64) (ran, wait int64) // by all threads, in processor time and in waiting for it
	processors() int
	close()
}

// nowhere is a host without evidence.
type nowhere struct{}

func (nowhere) sample(*worker) sample          { return sample{} }
func (nowhere) observe(int64)                  {}
func (nowhere) paused(_, _ int64) int64        { return 0 }
func (nowhere) marking(_, _ int64) int64       { return 0 }
func (nowhere) stolen(_, _ int64) int64        { return 0 }
func (nowhere) queued(_, _ int64) int64        { return 0 }
func (nowhere) used(_, _ int64) (int64, int64) { return 0, 0 }
func (nowhere) known(int) sample               { return sample{} }
func (nowhere) count(int64)                    {}
func (nowhere) close()                         {}
func (nowhere) processors() int                { return 1 }
