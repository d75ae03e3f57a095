package sio

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// crowd is n peers in "/" whose sockets are known by index.
func crowd(tb testing.TB, s *Server, n int) ([]*peer, []*Socket) {
	tb.Helper()
	var socks []*Socket
	s.Of("/").OnConnection(func(s *Socket) { socks = append(socks, s) })
	var peers []*peer
	for range n {
		peers = append(peers, joined(tb, s))
	}
	return peers, socks
}

// reached lists the peers that got something since the last call.
func reached(peers []*peer) string {
	var b strings.Builder
	for i, p := range peers {
		for range p.takes() {
			fmt.Fprint(&b, i)
		}
	}
	return b.String()
}

func TestBroadcastAddresses(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 5)
		n := s.Of("/")
		require.NoError(t, socks[0].Join("a"))
		require.NoError(t, socks[1].Join("a", "b"))
		require.NoError(t, socks[2].Join("b", "c"))
		require.NoError(t, socks[3].Join("c"))
		for want, b := range map[string]Broadcast{
			"01234": n.To(),
			"01":    n.To("a"),
			"012":   n.To("a", "b"),
			"0123":  n.To("a").In("b").To("c", "a"),
			"2":     n.To("b").Except("a"),
			"34":    n.Except("a", "b"),
			"":      n.To("nobody"),
			"4":     n.To(socks[4].ID()),
			"1234":  socks[0].Broadcast(),
			"1":     socks[0].To("a"),
			"12":    socks[0].To("a", "b"),
			"3":     socks[0].To("c").Except(socks[2].ID()),
			"0":     socks[0].Volatile(),
			"0 ":    n.To("a").Except("b").Volatile(),
			"13":    socks[2].Volatile().To("b").To("c"),
		} {
			require.NoError(t, b.Emit("e"))
			require.Equal(t, strings.TrimSpace(want), reached(peers))
			got := 0
			for range b.Sockets() {
				got++
			}
			require.Equal(t, len(strings.TrimSpace(want)), got, want)
		}
		socks[4].Leave(socks[4].ID())
		require.NoError(t, n.To(socks[4].ID()).Emit("e"))
		require.Empty(t, reached(peers))
		require.Empty(t, socks[4].Rooms())
		require.NoError(t, socks[3].Join(socks[4].ID()), "another's id is a room like any other")
		require.NoError(t, n.To(socks[4].ID()).Emit("e"))
		require.Equal(t, "3", reached(peers))
		for _, p := range peers {
			p.leaves()
		}
		require.NoError(t, n.Emit("nobody is left"))
	})
}

// Operators do not change the one they start from, so one can be kept.
func TestBroadcastIsAValue(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 3)
		for i, room := range []string{"a", "b", "c"} {
			require.NoError(t, socks[i].Join(room))
		}
		base := s.Of("/").To("a")
		both, other := base.To("b"), base.To("c")
		_, _ = base.Except("a"), base.Volatile()
		for want, b := range map[string]Broadcast{"0": base, "01": both, "02": other} {
			require.NoError(t, b.Emit("e"))
			require.Equal(t, want, reached(peers))
		}
		for _, p := range peers {
			p.leaves()
		}
	})
}

// A room may hold both parsers; each gets its encoding, made once.
func TestBroadcastToBothParsers(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		a := joined(t, s)
		b := dial(t, s)
		b.sendsHex("82 a474797065 00 a36e7370 a12f")
		b.takes()
		require.NoError(t, s.Of("/").Emit("e", map[string]any{"x": 1, "b": []byte{7}}))
		a.wants(`51-["e",{"b":{"_placeholder":true,"num":0},"x":1}]`, "b:07")
		b.wants("b:83a47479706502a36e7370a12fa46461746192a16582a162c40107a17801")
		a.leaves()
		b.leaves()
	})
}

type countingValue struct{ n *int }

func (c countingValue) MarshalText() ([]byte, error) { *c.n++; return []byte("x"), nil }

func TestBroadcastEncodesOnce(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		peers, _ := crowd(t, s, 10)
		n := 0
		require.NoError(t, s.Of("/").Emit("e", countingValue{&n}))
		require.Equal(t, 1, n)
		require.Len(t, reached(peers), 10)
		require.Error(t, s.Of("/").Emit("e", make(chan int)))
		require.Empty(t, reached(peers))
		for _, p := range peers {
			p.leaves()
		}
	})
}

func TestVolatileIsDroppedUnlessWritable(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 2)
		peers[0].link.full = true
		require.NoError(t, s.Of("/").To().Volatile().Emit("e"))
		require.NoError(t, s.Of("/").To().Volatile().Emit("e", []byte{1}))
		require.Equal(t, "111", reached(peers))
		require.NoError(t, socks[0].Volatile().Emit("e"))
		require.NoError(t, socks[0].Emit("reliable"))
		peers[0].wants(`2["reliable"]`)
		for _, p := range peers {
			p.leaves()
		}
	})
}

func TestRoomsBound(t *testing.T) {
	bubble(t, Config{Limits: Limits{Rooms: 3}}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 1)
		require.NoError(t, socks[0].Join("a", "b"))
		require.NoError(t, socks[0].Join("a", socks[0].ID()), "already there")
		require.ErrorIs(t, socks[0].Join("c"), ErrTooManyRooms)
		socks[0].Leave("a")
		socks[0].Leave("a")
		socks[0].Leave("never joined")
		require.NoError(t, socks[0].Join("c"))
		require.Len(t, socks[0].Rooms(), 3)
		require.Len(t, s.Of("/").byName, 2, "a room without members is no more")
		peers[0].leaves()
	})
}

// Rooms stay consistent while everything happens at once.
func TestRoomsConcurrently(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 8)
		var wg sync.WaitGroup
		for i, sock := range socks {
			wg.Go(func() {
				for k := range 50 {
					_ = sock.Join(fmt.Sprint("r", (i+k)%5), "all")
					sock.Leave(fmt.Sprint("r", (i+k+2)%5))
					_ = sock.To("all").Emit("e", i)
				}
				if i%2 == 0 {
					sock.Disconnect(false)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		n := s.Of("/")
		require.Len(t, n.all.members, 4)
		require.Len(t, n.byName["all"].members, 4)
		for name, r := range n.byName {
			for i, m := range r.members {
				require.Equal(t, i, m.rooms[r], name)
			}
		}
		for i, m := range n.all.members {
			require.Equal(t, i, m.place)
		}
		for _, p := range peers {
			p.leaves()
		}
		require.Empty(t, n.byName)
		require.Empty(t, n.byID)
	})
}
