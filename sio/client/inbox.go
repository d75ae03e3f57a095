package client

import "sync"

// inbox runs calls to handlers in order, on a goroutine that exists only while
// there are some.
type inbox struct {
	mu      sync.Mutex // guards the following
	queue   []call
	bytes   int
	running bool
	last    func() // to be run after everything else
}

// call is one handler to run, and what it holds.
type call struct {
	run   func()
	bytes int
}

// post adds a call. It reports false, without adding it, when the inbox is
// full; a call that must not be lost ignores the bound.
func (q *inbox) post(run func(), size int, must bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !must && (len(q.queue) >= inboxMax || size > inboxBytesMax-q.bytes) {
		return false
	}
	q.queue = append(q.queue, call{run, size})
	q.bytes += size
	q.startLocked()
	return true
}

// close has last run when the inbox has drained. It is called once, when
// nothing is posted any more.
func (q *inbox) close(last func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last = last
	q.startLocked()
}

func (q *inbox) startLocked() {
	if !q.running {
		q.running = true
		go q.drain()
	}
}

func (q *inbox) drain() {
	for {
		q.mu.Lock()
		if len(q.queue) == 0 {
			last := q.last
			q.queue = nil
			q.running = last != nil // for good
			q.mu.Unlock()
			if last != nil {
				last()
			}
			return
		}
		n := q.queue[0]
		q.queue = q.queue[1:]
		q.bytes -= n.bytes
		q.mu.Unlock()
		n.run()
	}
}
