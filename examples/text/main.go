// Command text is a document that several people edit at once.
//
//	go run ./examples/text          # then open http://localhost:3000 twice
//
// Everybody types into a copy of their own and sees it at once. The server puts
// the edits of all into one order and tells everybody; an edit that was made
// before its author knew of others is brought past them by operational
// transformation (package ot), on the server and on every page, so that all
// copies become the same. Who was offline comes back with the edits made
// meanwhile, and they are brought past those of the others like any edit.
package main

import (
	"crypto/rand"
	"embed"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"gameserver/examples/internal/page"
	"gameserver/examples/text/ot"
	"gameserver/sio"
)

//go:embed index.html ot.mjs editor.mjs
var files embed.FS

const welcome = "A document for everybody\n\nType here, and open this page a second time: both may\nedit at once, even in one word, even offline.\n"

func main() {
	listen := flag.String("listen", "localhost:3000", "address to listen on")
	flag.Parse()
	io := newServer(page.Log())
	if err := page.Serve(*listen, io, page.Mux(io, files)); err != nil {
		fmt.Fprintln(os.Stderr, "text:", err)
		os.Exit(1)
	}
}

// What clients send, besides edit. The json tags name the fields for both parsers,
// the check tags say what may be in them; what does not fit reaches no handler.
type (
	hello struct {
		Name string `json:"name" check:"required,1..24"`
	}
	opening struct {
		Author string `json:"author" check:"required,16..64"` // a secret of the page, so that it is known again
		Epoch  string `json:"epoch"`                          // what it had, when it comes back
		Rev    int    `json:"rev"`
	}
	selection struct {
		Rev  int `json:"rev"`
		From int `json:"from" check:"0..20000"`
		To   int `json:"to" check:"0..20000"`
	}
)

// What they get.
type (
	snapshot struct {
		Epoch   string   `json:"epoch"` // of this run of the server
		Rev     int      `json:"rev"`
		Seq     int      `json:"seq"`  // your last edit that is in it
		Text    string   `json:"text"` // when Missed is null
		Missed  []change `json:"missed"`
		Cursors []cursor `json:"cursors"`
	}
	change struct {
		Rev int   `json:"rev"` // after the operation
		Op  ot.Op `json:"op"`
		Own bool  `json:"own"`
	}
)

// editor owns the document. One goroutine runs everything that touches it and
// sends what came of it, so that everybody hears everything in one order.
type editor struct {
	ns    *sio.Namespace
	log   *slog.Logger
	doc   *document
	epoch string
	calls chan func()
}

func newServer(log *slog.Logger) *sio.Server {
	io := sio.New(sio.Config{ClientFiles: page.Client(), Logger: log})
	e := &editor{ns: io.Of("/"), log: log, doc: newDocument(welcome), epoch: rand.Text(), calls: make(chan func())}
	go func() {
		for f := range e.calls {
			f()
		}
	}()
	e.ns.Use(func(s *sio.Socket) error {
		var auth hello
		err := s.Auth(&auth)
		s.Data = auth.Name
		return err
	})
	e.ns.OnConnection(func(s *sio.Socket) {
		sio.On(s, "open", func(o opening) { e.do(func() { e.open(s, o) }) })
		sio.OnAck(s, "edit", func(c edit) (none struct{}, err error) {
			e.do(func() { err = e.edit(c) })
			return none, err
		})
		sio.On(s, "cursor", func(at selection) { e.do(func() { e.cursor(s, at) }) })
		s.OnDisconnect(func(string) { e.do(func() { e.gone(s) }) })
	})
	return io
}

// do runs f on the goroutine that owns the document, and waits.
func (e *editor) do(f func()) {
	done := make(chan struct{})
	e.calls <- func() { defer close(done); f() }
	<-done
}

// open answers with an event and not with an ack, because an ack would be sent
// after this, and a change might overtake it.
func (e *editor) open(s *sio.Socket, o opening) {
	if err := s.Join("document", author(o.Author)); err != nil {
		return
	}
	d := e.doc
	snap := snapshot{Epoch: e.epoch, Rev: d.rev, Seq: d.last[o.Author], Cursors: []cursor{}}
	if missed, known := d.since(o.Rev); known && o.Epoch == e.epoch {
		snap.Missed = []change{}
		for _, m := range missed {
			snap.Missed = append(snap.Missed, change{m.Rev, m.Op, m.Author == o.Author})
		}
	} else {
		snap.Text = string(d.text)
	}
	for id, c := range d.cursors {
		if id != s.ID() {
			snap.Cursors = append(snap.Cursors, c)
		}
	}
	e.sent(s.Emit("document", snap))
}

// edit tells everybody of the change, and its author that it was theirs. The
// author is known by a room, as they may have another connection by now.
func (e *editor) edit(c edit) error {
	done, ok, err := e.doc.commit(c)
	if err != nil || !ok {
		return err
	}
	e.sent(e.ns.To("document").Except(author(c.Author)).Emit("change", change{done.Rev, done.Op, false}))
	e.sent(e.ns.To(author(c.Author)).Emit("change", change{done.Rev, done.Op, true}))
	return nil
}

func (e *editor) cursor(s *sio.Socket, at selection) {
	name, _ := s.Data.(string)
	if c, ok := e.doc.place(cursor{ID: s.ID(), Name: name, From: at.From, To: at.To}, at.Rev); ok {
		e.sent(s.To("document").Emit("cursor", c))
	}
}

func (e *editor) gone(s *sio.Socket) {
	delete(e.doc.cursors, s.ID())
	e.sent(s.To("document").Emit("gone", s.ID()))
}

func author(id string) string { return "author:" + id }

func (e *editor) sent(err error) {
	if err != nil {
		e.log.Debug("not sent", slog.Any("err", err))
	}
}
