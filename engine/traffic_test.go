package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"gameserver/engine/enginetest"
)

// traffic is a client in the middle of an upgrade, with a server that sends
// numbered messages all the while.
type traffic struct {
	f     *fixture
	ctx   context.Context
	total int
	sid   string
	sock  *enginetest.WS
	down  int // the next number expected from the server

	session *session
}

func newTraffic(f *fixture, total int) *traffic {
	return &traffic{f: f, ctx: context.Background(), total: total}
}

func (u *traffic) ws() *enginetest.WS { return u.sock }
func (u *traffic) query() string      { return pollQuery + "&sid=" + u.sid }

func (u *traffic) start() error {
	a, err := u.f.try(u.ctx, "GET", pollQuery, "")
	if err != nil {
		return err
	}
	o, err := enginetest.ParseOpen(a.body)
	if err != nil {
		return err
	}
	u.sid = o.SID
	// Sessions of other lanes may come out first: put them back.
	for s := range u.f.open {
		if s.conn.ID() == u.sid {
			u.session = s
			break
		}
		u.f.open <- s
	}
	u.session.mu.Lock()
	u.session.echo = false
	u.session.mu.Unlock()
	if u.sock, err = enginetest.DialWS(u.f.addr, wsURI+"&sid="+u.sid); err != nil {
		return err
	}
	if err = u.sock.SetDeadline(time.Now().Add(testPatience)); err != nil {
		return err
	}
	go func() {
		for i := range u.total {
			if u.session.conn.Send(fmt.Append(nil, i), false) != nil {
				return
			}
			if i%7 == 0 {
				runtime.Gosched()
			}
		}
	}()
	return nil
}

// seen checks one packet of the server.
func (u *traffic) seen(packet string) error {
	if want := fmt.Sprintf("4%d", u.down); packet != want {
		return fmt.Errorf("got %q, want %q", packet, want)
	}
	u.down++
	return nil
}

// pollUntilNoop polls like a client until it is told to stop.
func (u *traffic) pollUntilNoop() error {
	for {
		a, err := u.f.try(u.ctx, "GET", u.query(), "")
		if err != nil {
			return err
		}
		if a.body == "6" {
			return nil
		}
		for p := range strings.SplitSeq(a.body, "\x1e") {
			if err := u.seen(p); err != nil {
				return err
			}
		}
	}
}

func (u *traffic) post(i int) error {
	a, err := u.f.try(u.ctx, "POST", u.query(), fmt.Sprintf("4%d", i))
	if err == nil && a.body != "ok" {
		err = fmt.Errorf("POST: %d %s", a.status, a.body)
	}
	return err
}

func (u *traffic) probe() error {
	if err := u.sock.Send("2probe"); err != nil {
		return err
	}
	m, err := u.sock.ReadText()
	if err == nil && m != "3probe" {
		err = fmt.Errorf("probe: %q", m)
	}
	return err
}
