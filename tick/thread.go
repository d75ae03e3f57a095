package tick

// sample is a reading of what the kernel knows about the calling thread.
type sample struct {
	ok   bool
	tid  int
	at   int64 // on the scheduler's clock
	ran  int64 // nanoseconds on a processor, since the thread began
	wait int64 // nanoseconds runnable without one
	cpu  int64 // nanoseconds of processor time of the whole process
}

// gap is what happened between the time a worker should have woken and the time
// it did, as far as it was measured.
type gap struct {
	wait  int64   // its thread was runnable without a processor
	block int64   // it was busy with other goroutines, or waited for the runtime to let it go on
	share float64 // of all processors of the process was in use meanwhile
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
		t.look(w, now)
	}
}

// look takes a reading and returns the last one of the same thread, if that is
// known.
func (t *thread) look(w *worker, now int64) (before sample) {
	was := t.last
	t.last = t.host.sample(w, now)
	if !was.ok || was.tid == t.last.tid {
		return was
	}
	for i := range t.seen {
		if t.seen[i].tid == t.last.tid {
			before, t.seen[i] = t.seen[i], was
			return before
		}
	}
	t.seen[t.when] = was
	t.when = (t.when + 1) % maxThreads
	return sample{}
}

// rouse is called when the worker wakes and returns what delayed it.
func (t *thread) rouse(w *worker, meant, now int64) gap {
	if t.host == nil || meant == never || now-meant < int64(stealAfter) {
		return gap{}
	}
	process := t.last
	was, g, late := t.look(w, now), gap{}, now-meant
	if span := now - process.at; process.ok && span > 0 {
		g.share = min(float64(t.last.cpu-process.cpu)/float64(span)/float64(t.host.processors()), 1)
	}
	if !was.ok || !t.last.ok {
		return g
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
	return g
}

// stretch is called after a tick and returns how much of its time the thread was
// kept off the processor.
func (t *thread) stretch(w *worker, start, now int64) int64 {
	if t.host == nil || now-start < sampleEvery {
		return 0
	}
	was, took := t.look(w, now), now-start
	if !was.ok || !t.last.ok || was.at > start {
		return 0
	}
	ran, wait := t.last.ran-was.ran, max(t.last.wait-was.wait, 0)
	if ran+wait > took {
		// A part of that was before the tick.
		wait = int64(float64(wait) * float64(took) / float64(ran+wait))
	}
	return wait
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
	// sample reads the calling thread, which runs w.
	sample(w *worker, now int64) sample
	// observe brings the rest up to date. It and the following are called by
	// the scheduler's keeper alone.
	observe(now int64)
	paused(from, to int64) int64  // the garbage collector stopped the world
	marking(from, to int64) int64 // it had the processors for itself
	stolen(from, to int64) int64  // the hypervisor ran somebody else
	queued(from, to int64) int64  // the longest that a goroutine waited for a processor of the process
	processors() int
}

// nowhere is a host without evidence.
type nowhere struct{}

func (nowhere) sample(*worker, int64) sample { return sample{} }
func (nowhere) observe(int64)                {}
func (nowhere) paused(_, _ int64) int64      { return 0 }
func (nowhere) marking(_, _ int64) int64     { return 0 }
func (nowhere) stolen(_, _ int64) int64      { return 0 }
func (nowhere) queued(_, _ int64) int64      { return 0 }
func (nowhere) processors() int              { return 1 }
