package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// upgradesEnv is how many upgrades TestUpgradesLoseNothing makes.
const upgradesEnv = "ENGINE_UPGRADES"

// TestUpgradesLoseNothing upgrades sessions while both sides send, over
// connections with a random delay for every read and write, in virtual time.
// Each side must get the other's messages once, in order, and all of them.
func TestUpgradesLoseNothing(t *testing.T) {
	rounds := 2000
	if v := os.Getenv(upgradesEnv); v != "" {
		var err error
		rounds, err = strconv.Atoi(v)
		require.NoError(t, err)
	}
	const perBubble, lanes = 500, 8
	done := 0
	for batch := 0; done < rounds; batch++ {
		n := min(perBubble, rounds-done)
		upgradeBatch(t, batch*perBubble, n, lanes)
		done += n
	}
	t.Logf("%d upgrades", done)
}

func upgradeBatch(t *testing.T, first, n, lanes int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newUpgradeRig()
		errs := make(chan error, n)
		next := make(chan int)
		var wg sync.WaitGroup
		for range lanes {
			wg.Go(func() {
				for seed := range next {
					if err := r.round(uint64(seed)); err != nil {
						errs <- fmt.Errorf("upgrade %d: %w", seed, err)
					}
				}
			})
		}
		for i := range n {
			next <- first + i
		}
		close(next)
		wg.Wait()
		require.NoError(t, r.stop())
		close(errs)
		for err := range errs {
			t.Error(err)
		}
		st := r.srv.Stats()
		require.EqualValues(t, n, st.Upgrades)
		require.EqualValues(t, n, st.Closed)
		require.Zero(t, st.OutboxBytes)
		require.Zero(t, st.Polling+st.WebSocket)
		time.Sleep(time.Second) // the last reads of the laggy connections
	})
}

// upgradeRig is a server on pipes whose sessions are found by their id.
type upgradeRig struct {
	srv *engine.Server
	ln  *enginetest.Listener
	hs  *http.Server

	mu       sync.Mutex
	sessions map[string]*session
}

func newUpgradeRig() *upgradeRig {
	r := &upgradeRig{ln: enginetest.NewListener(), sessions: make(map[string]*session)}
	r.srv = engine.New(engine.Config{Open: func(c *engine.Conn) engine.Handler {
		s := newSession(c)
		r.mu.Lock()
		r.sessions[c.ID()] = s
		r.mu.Unlock()
		return s
	}})
	r.hs = &http.Server{Handler: r.srv}
	go func() { _ = r.hs.Serve(r.ln) }()
	return r
}

func (r *upgradeRig) stop() error {
	return errors.Join(r.srv.Shutdown(context.Background()), r.hs.Close())
}

// laggy delays what its end reads and writes.
type laggy struct {
	net.Conn
	lag func()
}

func (l laggy) Write(p []byte) (int, error) {
	l.lag()
	return l.Conn.Write(p)
}

func (l laggy) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	l.lag()
	return n, err
}

// upgrader is the client of one round.
type upgrader struct {
	rig     *upgradeRig
	fix     fixture // for its HTTP client
	sid     string
	session *session

	mu  sync.Mutex
	rnd *rand.Rand
	got []string
}

const upgradeMessages = 12 // in each direction

// lag sleeps: half of the time not at all, mostly shortly, sometimes long.
func (u *upgrader) lag() {
	u.mu.Lock()
	d := time.Duration(0)
	switch u.rnd.IntN(8) {
	case 0, 1, 2:
		d = time.Duration(u.rnd.IntN(3000)) * time.Microsecond
	case 3:
		d = time.Duration(u.rnd.IntN(40)) * time.Millisecond
	}
	u.mu.Unlock()
	time.Sleep(d)
}

func (u *upgrader) chance(n int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.rnd.IntN(n) == 0
}

func (u *upgrader) dial() (net.Conn, error) {
	c, err := u.rig.ln.Dial()
	if err != nil {
		return nil, err
	}
	return laggy{c, u.lag}, nil
}

func (u *upgrader) query() string { return pollQuery + "&sid=" + u.sid }

// take records what the server sent, but for noops.
func (u *upgrader) take(payload string) {
	for packet := range strings.SplitSeq(payload, "\x1e") {
		if packet != "6" {
			u.got = append(u.got, packet)
		}
	}
}

func (r *upgradeRig) round(seed uint64) error {
	u := &upgrader{rig: r, rnd: rand.New(rand.NewPCG(seed, 1))}
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return u.dial() }}
	defer tr.CloseIdleConnections()
	u.fix = fixture{addr: "pipe", http: &http.Client{Transport: tr}}
	a, err := u.fix.try(context.Background(), "GET", pollQuery, "")
	if err != nil {
		return err
	}
	o, err := enginetest.ParseOpen(a.body)
	if err != nil {
		return err
	}
	u.sid = o.SID
	r.mu.Lock()
	u.session = r.sessions[u.sid]
	delete(r.sessions, u.sid)
	r.mu.Unlock()
	sent := make(chan error, 1)
	go func() { sent <- u.serverSends() }()
	ws, err := u.client()
	if err = errors.Join(err, <-sent); err != nil {
		return err
	}
	defer ws.Close()
	for len(u.got) < upgradeMessages {
		m, err := ws.ReadText()
		if err != nil {
			return fmt.Errorf("after %q: %w", u.got, err)
		}
		u.take(m)
	}
	return u.verdict(ws)
}

// serverSends is the server's side: numbered messages, some of them in pairs.
func (u *upgrader) serverSends() error {
	for i := 0; i < upgradeMessages; i++ {
		u.lag()
		m := engine.Message{Data: fmt.Append(nil, i)}
		if i+1 == upgradeMessages || u.chance(2) {
			if err := u.session.conn.Send(m.Data, false); err != nil {
				return err
			}
			continue
		}
		i++
		if err := u.session.conn.SendAll([]engine.Message{m, {Data: fmt.Append(nil, i)}}); err != nil {
			return err
		}
	}
	return nil
}

// client sends its own numbers, first by POST and then by the WebSocket. Some
// upgrades fail at first, some clients poll once more than they should.
func (u *upgrader) client() (*enginetest.WS, error) {
	pause, paused := make(chan struct{}), make(chan error, 1)
	go func() { paused <- u.polls(pause) }()
	n := 0
	post := func() error {
		a, err := u.fix.try(context.Background(), "POST", u.query(), fmt.Sprintf("4%d\x1e4%d", n, n+1))
		if n += 2; err == nil && a.body != "ok" {
			err = fmt.Errorf("POST: %d %s", a.status, a.body)
		}
		return err
	}
	abandon := func(err error) (*enginetest.WS, error) {
		close(pause)
		u.session.conn.Close(engine.ReasonForced) // releases the GET
		return nil, errors.Join(err, <-paused)
	}
	if err := post(); err != nil {
		return abandon(err)
	}
	if u.chance(4) {
		if ws, err := u.probe(); err == nil {
			if u.chance(2) {
				_ = ws.Send("4no candidate says this")
			}
			ws.Close()
		}
		if err := post(); err != nil {
			return abandon(err)
		}
	}
	ws, err := u.probe()
	for tries := 0; err != nil && tries < 100; tries++ { // the failed one may still be there
		time.Sleep(10 * time.Millisecond)
		ws, err = u.probe()
	}
	if err != nil {
		return abandon(err)
	}
	if u.chance(3) {
		if err := post(); err != nil {
			return abandon(err)
		}
	}
	close(pause)
	if err := <-paused; err != nil {
		return nil, err
	}
	u.lag()
	if err := ws.Send("5"); err != nil {
		return nil, err
	}
	for ; n < upgradeMessages; n++ {
		u.lag()
		if err := ws.Send(fmt.Sprintf("4%d", n)); err != nil {
			return nil, err
		}
	}
	return ws, nil
}

// probe connects a candidate and waits for the answer to its probe.
func (u *upgrader) probe() (*enginetest.WS, error) {
	c, err := u.dial()
	if err != nil {
		return nil, err
	}
	ws, err := enginetest.Upgrade(c, wsURI+"&sid="+u.sid)
	if err == nil {
		u.lag()
		err = ws.Send("2probe")
	}
	if err == nil {
		var m string
		if m, err = ws.ReadText(); err == nil && m != "3probe" {
			err = fmt.Errorf("probe: %q", m)
		}
	}
	if err != nil {
		c.Close()
	}
	return ws, err
}

// polls sends GET after GET. When asked to pause it stops once the one under
// way is answered, and now and then sends one more, as some clients do.
func (u *upgrader) polls(pause <-chan struct{}) error {
	more := u.chance(4)
	for {
		a, err := u.fix.try(context.Background(), "GET", u.query(), "")
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return fmt.Errorf("GET: %d %s", a.status, a.body)
		}
		u.take(a.body)
		select {
		case <-pause:
			if !more {
				return nil
			}
			more = false
		default:
		}
	}
}

// verdict compares what each side got with what the other sent.
func (u *upgrader) verdict(ws *enginetest.WS) error {
	for i, m := range u.got {
		if m != fmt.Sprintf("4%d", i) {
			return fmt.Errorf("the client got %q", u.got)
		}
	}
	for len(u.session.messages()) < upgradeMessages {
		<-u.session.news
	}
	// Whatever is doubled would come now.
	if err := ws.Send("4last"); err != nil {
		return err
	}
	for len(u.session.messages()) <= upgradeMessages {
		<-u.session.news
	}
	for i, m := range u.session.messages() {
		want := fmt.Sprintf("t:%d", i)
		if i == upgradeMessages {
			want = "t:last"
		}
		if m != want {
			return fmt.Errorf("the server got %q", u.session.messages())
		}
	}
	if err := u.session.conn.Send([]byte("last"), false); err != nil {
		return err
	}
	m, err := ws.ReadText()
	if err == nil && m != "4last" {
		err = fmt.Errorf("the client got %q behind the last", m)
	}
	return err
}
