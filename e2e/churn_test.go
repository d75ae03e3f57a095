package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	engine "gameserver/engine/client"
	"gameserver/engine/enginetest"
	"gameserver/sio/client"
)

const (
	// churnCount is how many sessions come and go without CHURN=n.
	churnCount = 600
	// churnAtOnce are there at a time.
	churnAtOnce = 40
	// churnHeap is what the heap may have grown by: some two hundred bytes for
	// each session of a short run, a dozen in a long one.
	churnHeap = 128 << 10
)

// held is what /stats tells about the server process.
type held struct {
	Goroutines, Descriptors                                  int
	Heap, HeapObjects                                        uint64
	Sessions, Opened, Upgrades, Sockets, OutboxBytes, Panics int64
}

func holds(t *testing.T, s *server) held {
	t.Helper()
	resp, err := http.Get(s.url + "/stats")
	require.NoError(t, err)
	defer resp.Body.Close()
	var h held
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&h))
	return h
}

// Sessions come by every transport and parser, join a room, talk, and go in
// every way: saying goodbye, thrown out, or vanishing. Afterwards the server
// process holds what it held before. CHURN=n for more of them.
func TestChurnLeavesNothingBehind(t *testing.T) {
	count := int(envNumber(t, "CHURN", churnCount))
	s := conformance(t, "--ping-interval", "1s", "--ping-timeout", "3s", "--connect-timeout", "10s")
	churn(t, s, count) // so that maps and pools have the size that they keep
	before := settled(t, s, held{Goroutines: 1 << 20, Descriptors: 1 << 20, Heap: 1 << 40})
	began := time.Now()
	churn(t, s, count)
	took := time.Since(began)
	after := settled(t, s, before)
	t.Logf("%d sessions in %s; before %+v; after %+v", count, took.Round(time.Millisecond), before, after)
	require.GreaterOrEqual(t, after.Opened-before.Opened, int64(count), "every session was one of its own")
	require.Greater(t, after.Upgrades-before.Upgrades, int64(count/10), "upgrades were among them")
	require.Zero(t, after.Panics)
}

// settled waits until no session is left and nothing is above what was held
// before.
func settled(t *testing.T, s *server, before held) held {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	var now held
	fits := func() bool {
		now = holds(t, s)
		return now.Sessions == 0 && now.Sockets == 0 && now.OutboxBytes == 0 &&
			now.Goroutines <= before.Goroutines && now.Descriptors <= before.Descriptors &&
			now.Heap <= before.Heap+churnHeap
	}
	if !assert.Eventually(t, fits, patience, tenth) {
		t.Fatalf("before %+v\nnow %+v", before, now)
	}
	return now
}

// churn lets count sessions come and go.
func churn(t *testing.T, s *server, count int) {
	t.Helper()
	next := make(chan int)
	errs := make(chan error, count)
	var workers sync.WaitGroup
	for range churnAtOnce {
		workers.Go(func() {
			for i := range next {
				if err := visit(t.Context(), s.url, i); err != nil {
					errs <- fmt.Errorf("session %d: %w", i, err)
				}
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	workers.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// visit is one session.
func visit(ctx context.Context, url string, i int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch i % 8 {
	case 6:
		return vanish(url)
	case 7:
		return abandon(ctx, url)
	}
	transports := []engine.Transport{engine.WebSocket, engine.Polling, engine.Upgrade}
	c := client.New(url, client.Options{
		Transport: transports[i%3],
		Msgpack:   i%2 == 0,
		Auth:      func(string) any { return map[string]string{"token": "open"} },
	})
	defer func() { <-c.Done() }()
	defer c.Close()
	chat := c.Socket("/chat")
	if err := errors.Join(chat.Connect(ctx), c.Socket("/custom").Connect(ctx)); err != nil {
		return err
	}
	if err := talk(ctx, chat, i); err != nil {
		return err
	}
	switch i % 5 {
	case 0:
		chat.Disconnect()
	case 1:
		return chat.Emit("bye")
	case 2:
		c.Drop() // and close while the client dials again
	}
	return nil
}

// talk joins a room and exchanges something in it.
func talk(ctx context.Context, chat *client.Socket, i int) error {
	room := fmt.Sprint("room-", i/16)
	if err := chat.Call(ctx, "join", room, nil); err != nil {
		return err
	}
	if err := chat.Emit("all", room, i, []byte("binary")); err != nil {
		return err
	}
	answer, err := chat.EmitWithAck(ctx, "rooms")
	if err != nil {
		return err
	}
	var rooms []string
	if err := answer.Decode(0, &rooms); err != nil || len(rooms) != 1 || rooms[0] != room {
		return fmt.Errorf("in rooms %v, %w", rooms, err)
	}
	if i%2 == 0 {
		return chat.Call(ctx, "leave", room, nil)
	}
	return nil
}

// vanish is a client whose socket breaks in the middle of a packet.
func vanish(url string) error {
	ws, err := enginetest.DialWS(strings.TrimPrefix(url, "http://"), "/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		return err
	}
	_, err = ws.ReadOpen()
	err = errors.Join(err, ws.Send(`40/chat,{"token":"open"}`), ws.Send(`42/chat,["join","vanished"]`), ws.Send(`451-/chat,["all","vanished",{"_placeholder":true,"num":0}]`))
	return errors.Join(err, ws.Close())
}

// abandon is a polling client that never comes back.
func abandon(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/socket.io/?EIO=4&transport=polling", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
