package sio

// job is something for the goroutine that runs handlers.
type job struct {
	kind   jobKind
	s      *Socket
	ev     *Event
	reason string
}

type jobKind uint8

const (
	jobConnect jobKind = iota // middleware, CONNECT, OnConnection
	jobEvent
	jobEarly // an event that came before OnConnection had returned
	jobLeave // OnDisconnect, then out of all rooms
)

// inbox is a queue of jobs, bounded in events and in their bytes. The other
// kinds are bounded by the number of namespaces.
type inbox struct {
	queue   []job
	head    int
	events  int
	bytes   int
	most    int
	mostMem int
	running bool
}

func (b *inbox) init(l Limits) { b.most, b.mostMem = l.Inbox, l.InboxBytes }

func (b *inbox) fits(e *Event) bool {
	return b.events < b.most && b.bytes+e.size() <= b.mostMem
}

func (b *inbox) push(j job) {
	if j.ev != nil {
		b.events++
		b.bytes += j.ev.size()
	}
	b.queue = append(b.queue, j)
}

func (b *inbox) pop() (j job, ok bool) {
	if b.head == len(b.queue) {
		b.queue, b.head = nil, 0
		return job{}, false
	}
	j = b.queue[b.head]
	b.queue[b.head] = job{}
	b.head++
	if j.ev != nil {
		b.events--
		b.bytes -= j.ev.size()
	}
	if b.head == len(b.queue) {
		b.queue, b.head = b.queue[:0], 0
	} else if b.head >= 64 && b.head*2 >= len(b.queue) {
		n := copy(b.queue, b.queue[b.head:])
		clear(b.queue[n:])
		b.queue, b.head = b.queue[:n], 0
	}
	return j, true
}

// dropEvents forgets the events of a client that sent too many.
func (b *inbox) dropEvents() {
	kept := b.queue[:0]
	for _, j := range b.queue[b.head:] {
		if j.ev == nil {
			kept = append(kept, j)
		}
	}
	clear(b.queue[len(kept):])
	b.queue, b.head, b.events, b.bytes = kept, 0, 0, 0
}

// postLocked queues a job and starts the goroutine when none runs.
func (c *conn) postLocked(j job) {
	c.inbox.push(j)
	if !c.inbox.running {
		c.inbox.running = true
		c.srv.busy.add()
		go c.run()
	}
}

// post queues an event, unless there are too many already.
func (c *conn) post(kind jobKind, s *Socket, e *Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	if !c.inbox.fits(e) {
		return errFlood
	}
	c.postLocked(job{kind: kind, s: s, ev: e.clone()})
	return nil
}

// run executes jobs in order until there are none.
func (c *conn) run() {
	defer c.srv.busy.done()
	for {
		c.mu.Lock()
		j, ok := c.inbox.pop()
		if !ok {
			c.inbox.running = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.execute(j)
	}
}

func (c *conn) execute(j job) {
	switch j.kind {
	case jobConnect:
		c.join(j.s)
	case jobEvent:
		j.s.handle(j.ev)
	case jobEarly:
		j.s.handle(j.ev)
		j.s.settle(-1)
	case jobLeave:
		j.s.leave(j.reason)
	}
}
