// Command notifications pushes to users from outside: another program posts over
// HTTP, and whoever it is for sees it at once on every page they have open, with
// a count of what is unread. The poster learns who got it.
//
//	go run ./examples/notifications     # prints a token
//	curl http://localhost:3000/notify -H "Authorization: Bearer $TOKEN" \
//	     -d '{"to":{"topic":"builds"},"title":"Build 17 is green"}'
package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gameserver/examples/internal/page"
	"gameserver/sio"
)

const (
	maxBody   = 16 << 10 // of a POST; beyond: 413
	maxTitle  = 120
	maxText   = 500
	maxAsking = 256             // acks waited for at once, of all posts together
	patience  = 3 * time.Second // how long a page may take to say that it has it
)

//go:embed index.html
var files embed.FS

func main() {
	listen := flag.String("listen", "localhost:3000", "address to listen on")
	token := flag.String("token", os.Getenv("NOTIFY_TOKEN"), "what POST /notify asks for (NOTIFY_TOKEN); random when empty")
	flag.Parse()
	if *token == "" {
		*token = rand.Text()
		_, _ = fmt.Fprintf(os.Stdout, "token: %s\n", *token)
	}
	log := page.Log()
	s := newServer(*token, log)
	mux := page.Mux(s.io, files)
	mux.Handle("POST /notify", http.HandlerFunc(s.post))
	if err := page.Serve(*listen, s.io, mux); err != nil {
		fmt.Fprintln(os.Stderr, "notifications:", err)
		os.Exit(1)
	}
}

// server is the notifier: a namespace, what everybody has not read yet, and the
// token of those who may post.
type server struct {
	io     *sio.Server
	ns     *sio.Namespace
	log    *slog.Logger
	token  string
	asking chan struct{} // a slot for each ack that is waited for

	mu    sync.Mutex // guards boxes; never held while something is sent
	boxes boxes
}

var name = regexp.MustCompile(`^[\pL\pN-]{1,24}$`)

// named refuses what is no name of a user or a topic.
func named(path, s string) error {
	if !name.MatchString(s) {
		return &sio.Error{Code: "bad_payload", Msg: "1 to 24 letters, digits or -", Path: path}
	}
	return nil
}

func newServer(token string, log *slog.Logger) *server {
	io := sio.New(sio.Config{ClientFiles: page.Client(), Logger: log})
	s := &server{io: io, ns: io.Of("/"), log: log, token: token, boxes: boxes{of: map[string]*box{}}, asking: make(chan struct{}, maxAsking)}
	s.ns.Use(func(c *sio.Socket) error {
		// A demonstration: in earnest this is a session token, checked here.
		var auth struct {
			User string `json:"user"`
		}
		if err := c.Auth(&auth); err != nil {
			return err
		}
		c.Data = auth.User
		return named("user", auth.User)
	})
	s.ns.OnConnection(func(c *sio.Socket) {
		user, _ := c.Data.(string)
		// One room for a user, whatever they have open, and one for each topic.
		if err := c.Join("user:" + user); err != nil {
			c.Disconnect(false)
			return
		}
		sio.OnAck(c, "subscribe", func(topic string) (struct{}, error) {
			if err := named("", topic); err != nil {
				return struct{}{}, err
			}
			if err := c.Join("topic:" + topic); err != nil {
				return struct{}{}, &sio.Error{Code: "overloaded", Msg: "You have too many topics"}
			}
			return struct{}{}, nil
		})
		sio.OnAck(c, "unsubscribe", func(topic string) (struct{}, error) {
			c.Leave("topic:" + topic)
			return struct{}{}, nil
		})
		sio.On(c, "read", func(upTo int64) { s.read(user, upTo) })
		// What came while nobody was there.
		s.mu.Lock()
		b := s.boxes.look(user)
		s.mu.Unlock()
		s.sent(c.Emit("inbox", b))
	})
	return s
}

// read marks what a user has seen, on all of their pages.
func (s *server) read(user string, upTo int64) {
	s.mu.Lock()
	b := s.boxes.read(user, upTo)
	s.mu.Unlock()
	s.sent(s.ns.To("user:"+user).Emit("inbox", b))
}

// order is what is posted: to one user, to a topic, or to everybody connected.
type order struct {
	To struct {
		User  string `json:"user"`
		Topic string `json:"topic"`
		All   bool   `json:"all"`
	} `json:"to"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// receipt is the answer.
type receipt struct {
	ID        int64    `json:"id"`
	Pages     int      `json:"pages"`     // connections it was sent to
	Delivered []string `json:"delivered"` // users of whom a page said that it has it
	Waiting   []string `json:"waiting"`   // users who will see it when they come
}

func (s *server) post(w http.ResponseWriter, r *http.Request) {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || subtle.ConstantTimeCompare([]byte(given), []byte(s.token)) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		answer(w, http.StatusUnauthorized, &sio.Error{Code: "auth_failed", Msg: "The token is wrong"})
		return
	}
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	in.DisallowUnknownFields()
	var o order
	if err := in.Decode(&o); err != nil {
		answer(w, http.StatusBadRequest, &sio.Error{Code: "bad_payload", Msg: err.Error()})
		return
	}
	if err := o.check(); err != nil {
		answer(w, http.StatusBadRequest, err)
		return
	}
	answer(w, http.StatusOK, s.notify(r.Context(), o))
}

func (o order) check() error {
	if n := utf8.RuneCountInString(o.Title); n < 1 || n > maxTitle || utf8.RuneCountInString(o.Text) > maxText {
		return &sio.Error{Code: "bad_payload", Msg: fmt.Sprintf("A title has 1 to %d characters, a text at most %d", maxTitle, maxText), Path: "title"}
	}
	switch {
	case o.To.All && o.To.User == "" && o.To.Topic == "":
		return nil
	case o.To.User != "" && o.To.Topic == "" && !o.To.All:
		return named("to.user", o.To.User)
	case o.To.Topic != "" && o.To.User == "" && !o.To.All:
		return named("to.topic", o.To.Topic)
	}
	return &sio.Error{Code: "bad_payload", Msg: "One of user, topic and all, please", Path: "to"}
}

// notify puts the notification into the boxes of the users, sends it to every
// page they have open and waits until these have said so, or for a while.
func (s *server) notify(ctx context.Context, o order) receipt {
	pages, users := s.audience(o)
	s.mu.Lock()
	n := s.boxes.put(users, o.Title, o.Text)
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got := make(chan string, len(pages))
	for _, c := range pages {
		go func() {
			user, _ := c.Data.(string)
			if !s.ask(ctx, c, n) {
				user = ""
			}
			got <- user
		}()
	}
	for range pages {
		if user := <-got; user != "" {
			users[user] = true
		}
	}
	return newReceipt(n.ID, len(pages), users)
}

// audience finds the pages, and the users with none.
func (s *server) audience(o order) (pages []*sio.Socket, users map[string]bool) {
	users = map[string]bool{}
	sockets := s.ns.Sockets()
	switch {
	case o.To.User != "":
		sockets = s.ns.To("user:" + o.To.User).Sockets()
		users[o.To.User] = false
	case o.To.Topic != "":
		sockets = s.ns.To("topic:" + o.To.Topic).Sockets()
	}
	for c := range sockets {
		user, _ := c.Data.(string)
		pages, users[user] = append(pages, c), false
	}
	return pages, users
}

// ask sends to one page and waits for its ack.
func (s *server) ask(ctx context.Context, c *sio.Socket, n notification) bool {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return false
	}
	_, err := c.EmitWithAck(ctx, "notification", n)
	return err == nil
}

func (s *server) sent(err error) {
	if err != nil {
		s.log.Debug("not sent", slog.Any("err", err))
	}
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
