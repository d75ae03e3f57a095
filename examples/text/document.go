package main

import (
	"gameserver/examples/text/ot"
	"gameserver/sio"
)

// What the document may hold; at each, what happens beyond.
const (
	maxText    = 20_000 // characters; the edit is refused with overloaded
	maxHistory = 1_000  // operations for those who come back; they get the text instead
	maxWeight  = 10 * maxText
	maxAuthors = 4_096 // whose last edit is known; one is forgotten
)

// edit is an operation on the text as of a revision. Author and Seq tell an edit
// that is sent again, after a lost connection, from a new one.
type edit struct {
	Author string `json:"author" check:"required,16..64"`
	Seq    int    `json:"seq" check:"1.."`
	Rev    int    `json:"rev" check:"0.."`
	Op     ot.Op  `json:"op" check:"required"`
}

// document is the text and how it came about: values in, values out.
type document struct {
	text    []rune
	rev     int // number of operations since the start
	history []edit
	weight  int            // of the history, in parts and characters
	last    map[string]int // by author, the Seq of the last edit
	cursors map[string]cursor
}

// cursor is where somebody is; From equals To when nothing is selected.
type cursor struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

func newDocument(text string) *document {
	return &document{text: []rune(text), last: map[string]int{}, cursors: map[string]cursor{}}
}

// since returns the operations after a revision, if they are still known.
func (d *document) since(rev int) ([]edit, bool) {
	first := d.rev - len(d.history)
	if rev < first || rev > d.rev {
		return nil, false
	}
	return d.history[rev-first:], true
}

// commit brings an edit past what its author had not seen, and applies it. The
// edit it returns is what the others apply; it is not ok when there is nothing to
// do, because the edit came before.
func (d *document) commit(e edit) (done edit, ok bool, err error) {
	if e.Seq <= d.last[e.Author] {
		return edit{}, false, nil
	}
	missed, known := d.since(e.Rev)
	if !known {
		return edit{}, false, &sio.Error{Code: "expired", Msg: "That revision is gone; open the document again", Path: "rev"}
	}
	for _, m := range missed {
		if e.Op, _, err = ot.Transform(e.Op, m.Op); err != nil {
			return edit{}, false, &sio.Error{Code: "bad_payload", Msg: err.Error(), Path: "op"}
		}
	}
	text, err := e.Op.Apply(d.text)
	if err != nil {
		return edit{}, false, &sio.Error{Code: "bad_payload", Msg: err.Error(), Path: "op"}
	}
	if len(text) > maxText {
		return edit{}, false, &sio.Error{Code: "overloaded", Msg: "The document is full"}
	}
	d.text = text
	d.rev++
	e.Rev = d.rev
	d.remember(e)
	for id, c := range d.cursors {
		c.From, c.To = e.Op.Move(c.From), e.Op.Move(c.To)
		d.cursors[id] = c
	}
	return e, true, nil
}

func (d *document) remember(e edit) {
	if _, known := d.last[e.Author]; !known && len(d.last) >= maxAuthors {
		for some := range d.last {
			delete(d.last, some)
			break
		}
	}
	d.last[e.Author] = e.Seq
	d.history = append(d.history, e)
	d.weight += weight(e)
	for len(d.history) > maxHistory || d.weight > maxWeight {
		d.weight -= weight(d.history[0])
		d.history[0] = edit{} // let go of what it holds
		d.history = d.history[1:]
	}
}

func weight(e edit) int { return len(e.Op) + e.Op.Inserted() }

// place puts a cursor where it is by now, if that can be told.
func (d *document) place(c cursor, rev int) (cursor, bool) {
	missed, known := d.since(rev)
	if !known || c.From < 0 || c.To < 0 || c.From > maxText || c.To > maxText {
		return cursor{}, false
	}
	for _, m := range missed {
		c.From, c.To = m.Op.Move(c.From), m.Op.Move(c.To)
	}
	c.From, c.To = min(c.From, len(d.text)), min(c.To, len(d.text))
	d.cursors[c.ID] = c
	return c, true
}
