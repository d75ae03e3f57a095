package sio

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// A name that a pattern or a function accepts becomes a namespace of its own;
// any other is invalid.
func TestDynamicNamespaces(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		s.Observe(Hooks{
			Namespace:     func(n *Namespace) { log.add("new %s", n.Name()) },
			NamespaceGone: func(n *Namespace) { log.add("gone %s", n.Name()) },
		})
		require.Equal(t, []string{"new /"}, log.take())
		rooms := s.OfDynamic(Dynamic{Pattern: regexp.MustCompile(`^/room-\d+$`)})
		rooms.OnConnection(func(s *Socket) { log.add("in %s", s.Namespace().Name()) })
		tenants := s.OfDynamic(Dynamic{Match: func(name string, auth func(any) error) bool {
			var a struct {
				Token string `json:"token"`
			}
			return strings.HasPrefix(name, "/t-") && auth(&a) == nil && a.Token == name
		}})
		tenants.Use(func(s *Socket) error { log.add("ask %s", s.Namespace().Name()); return nil })

		p := dial(t, s)
		p.sends("0/room-1", "0/room-x", "0/room-12", `0/t-1,{"token":"no"}`, `0/t-1,{"token":"/t-1"}`)
		p.wants(`0/room-1,{"sid":"SID"}`, `4/room-x,{"message":"Invalid namespace"}`, `0/room-12,{"sid":"SID"}`,
			`4/t-1,{"message":"Invalid namespace"}`, `0/t-1,{"sid":"SID"}`)
		require.Equal(t, []string{"new /room-1", "in /room-1", "new /room-12", "in /room-12", "new /t-1", "ask /t-1"}, log.take())

		require.NoError(t, rooms.Emit("all", 1))
		p.wantsAnyOrder(`2/room-1,["all",1]`, `2/room-12,["all",1]`)
		require.NoError(t, s.Of("/room-1").Emit("one"))
		p.wants(`2/room-1,["one"]`)
		n := 0
		for range rooms.Sockets() {
			n++
		}
		require.Equal(t, 2, n)
		require.NoError(t, rooms.To().Join("both"))
		require.NoError(t, rooms.To("both").Emit("joined"))
		p.wantsAnyOrder(`2/room-1,["joined"]`, `2/room-12,["joined"]`)

		p.sends("1/room-12,", "1/t-1,", "1/room-1,")
		require.Equal(t, []string{"gone /room-12", "gone /t-1"}, log.take(), "and /room-1 is pinned by Of")
		require.Len(t, s.nsps, 2)
		require.Empty(t, tenants.children)
		p.leaves()
	})
}

func (p *peer) wantsAnyOrder(want ...string) {
	p.t.Helper()
	require.ElementsMatch(p.t, want, p.takes())
}

// A name that nobody accepts must not cost memory.
func TestRefusedNamesAreNotKept(t *testing.T) {
	bubble(t, Config{MaxChildren: 2}, func(t bubbleT, s *Server) {
		s.OfDynamic(Dynamic{Pattern: regexp.MustCompile(`^/a`)})
		p := dial(t, s)
		p.sends("0/b", "0/c", "0/d")
		require.Len(t, s.nsps, 1)
		require.Len(t, p.takes(), 3)
		p.sends("0/a1", "0/a2", "0/a3")
		require.Equal(t, []string{
			`0/a1,{"sid":"SID"}`, `0/a2,{"sid":"SID"}`,
			`4/a3,{"message":"Too many namespaces","data":{"code":"too_many_namespaces","msg":"Too many namespaces"}}`,
		}, p.takes())
		p.sends("1/a1,", "0/a3")
		p.wants(`0/a3,{"sid":"SID"}`)
		p.leaves()
		require.Len(t, s.nsps, 1)
		require.Zero(t, s.children)
	})
}

func TestKeepChildren(t *testing.T) {
	bubble(t, Config{KeepChildren: true}, func(t bubbleT, s *Server) {
		s.OfDynamic(Dynamic{Pattern: regexp.MustCompile(`^/a`)})
		p := dial(t, s)
		p.sends("0/a1")
		p.leaves()
		require.Len(t, s.nsps, 2)
	})
}

// However a CONNECT ends, the child it may have created goes with it.
func TestChildGoesWithItsLastSocket(t *testing.T) {
	ends := map[string]func(p *peer, block chan struct{}){
		"refused":           func(*peer, chan struct{}) {},
		"left meanwhile":    func(p *peer, block chan struct{}) { p.leaves(); close(block) },
		"duplicate":         func(p *peer, block chan struct{}) { p.sends("0/a-block"); close(block) },
		"server disconnect": func(p *peer, _ chan struct{}) { p.sends(`2/a-out,["out"]`) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t bubbleT, s *Server) {
				block := make(chan struct{})
				n := s.OfDynamic(Dynamic{Pattern: regexp.MustCompile(`^/a-`)})
				n.Use(func(s *Socket) error {
					switch s.Namespace().Name() {
					case "/a-refuse":
						return &Error{Code: "no"}
					case "/a-block":
						<-block
					}
					return nil
				})
				n.OnConnection(func(s *Socket) { On(s, "out", func(int) { s.Disconnect(false) }) })
				p := dial(t, s)
				p.sends("0/a-refuse", "0/a-out", "0/a-block")
				end(p, block)
				p.leaves()
				if name == "refused" || name == "server disconnect" {
					close(block)
				}
				synctest.Wait()
				require.Empty(t, n.children)
				require.Len(t, s.nsps, 1)
			})
		})
	}
}

// Pitfall 15: many clients that ask for the same new name get the same namespace
// and the hook runs once, before anybody is in.
func TestPitfall15SameDynamicNamespace(t *testing.T) {
	s := New(Config{})
	var log notes
	s.Observe(Hooks{Namespace: func(n *Namespace) {
		if n.Name() == "/a" {
			log.add("new")
			n.Use(func(*Socket) error { log.add("use"); return nil })
		}
	}})
	s.OfDynamic(Dynamic{Pattern: regexp.MustCompile(`^/a$`)})
	const clients = 32
	var all sync.WaitGroup
	var conns sync.Map
	for i := range clients {
		all.Go(func() {
			l := &fakeLink{}
			c := s.accept(l, nil)
			l.onClose = c.OnClose
			conns.Store(i, l)
			c.OnMessage([]byte("0/a"), false)
		})
	}
	all.Wait()
	require.NoError(t, s.busy.wait(t.Context()))
	n := 0
	for range s.Of("/a").Sockets() {
		n++
	}
	require.Equal(t, clients, n)
	require.Equal(t, append([]string{"new"}, slicesRepeat("use", clients)...), log.take())
	conns.Range(func(_, l any) bool {
		if link, ok := l.(*fakeLink); ok {
			link.Close(engine.ReasonTransportClose)
		}
		return true
	})
	require.NoError(t, s.busy.wait(t.Context()))
}

func slicesRepeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func TestOfDynamicNeedsARule(t *testing.T) {
	require.Panics(t, func() { New(Config{}).OfDynamic(Dynamic{}) })
}
