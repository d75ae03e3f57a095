package main

import (
	"slices"
	"time"
)

// What the server remembers; the oldest goes first.
const (
	maxBox   = 50
	maxBoxes = 10_000 // users; beyond, some user's box is forgotten
)

// notification is what a page shows. IDs grow with time.
type notification struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	At    int64  `json:"at"` // ms since 1970
}

// box is what one user was sent, and up to which ID they have read it.
type box struct {
	Items []notification `json:"items"`
	Read  int64          `json:"read"`
}

// boxes are those of all users.
type boxes struct {
	last int64 // ID of the last notification
	of   map[string]*box
}

// put adds a notification to the boxes of some users.
func (bs *boxes) put(users map[string]bool, title, text string) notification {
	now := time.Now()
	bs.last = max(bs.last+1, now.UnixMicro()) // greater than before, also after a restart
	n := notification{ID: bs.last, Title: title, Text: text, At: now.UnixMilli()}
	for user := range users {
		b := bs.of[user]
		if b == nil {
			bs.makePlace()
			b = &box{}
			bs.of[user] = b
		}
		if b.Items = append(b.Items, n); len(b.Items) > maxBox {
			b.Items = slices.Delete(b.Items, 0, 1)
		}
	}
	return n
}

// look returns a copy of a user's box.
func (bs *boxes) look(user string) box {
	b := bs.of[user]
	if b == nil {
		return box{Items: []notification{}}
	}
	return box{Items: append([]notification{}, b.Items...), Read: b.Read}
}

// read marks what a user has read.
func (bs *boxes) read(user string, upTo int64) box {
	if b := bs.of[user]; b != nil {
		b.Read = max(b.Read, min(upTo, bs.last))
	}
	return bs.look(user)
}

func (bs *boxes) makePlace() {
	for user := range bs.of {
		if len(bs.of) < maxBoxes {
			return
		}
		delete(bs.of, user)
	}
}

// newReceipt sorts the users by whether a page of theirs has answered.
func newReceipt(id int64, pages int, users map[string]bool) receipt {
	r := receipt{ID: id, Pages: pages, Delivered: []string{}, Waiting: []string{}}
	for user, has := range users {
		if has {
			r.Delivered = append(r.Delivered, user)
		} else {
			r.Waiting = append(r.Waiting, user)
		}
	}
	slices.Sort(r.Delivered)
	slices.Sort(r.Waiting)
	return r
}
