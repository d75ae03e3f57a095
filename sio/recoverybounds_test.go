package sio

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRecoveryBounds(t *testing.T) {
	miss := func(n int, size int) func(s *Server) {
		return func(s *Server) {
			for range n {
				_ = s.Of("/").Emit("m", strings.Repeat("x", size))
			}
		}
	}
	one, err := encodeEvent("m", []any{strings.Repeat("x", 100)})
	require.NoError(t, err)
	entry := len(one) + 1 + 10 + logOverhead // a string of 8+1+1 and its length
	for name, c := range map[string]struct {
		cfg    Recovery
		missed func(s *Server)
		past   func(s *Server)
	}{
		"packets": {Recovery{Packets: 5}, miss(5, 1), miss(6, 1)},
		"bytes":   {Recovery{Bytes: 5 * entry}, miss(5, 100), miss(6, 100)},
		"time": {
			Recovery{For: time.Minute},
			func(*Server) { time.Sleep(time.Minute - 1) },
			func(*Server) { time.Sleep(time.Minute) },
		},
		"age": {
			Recovery{For: time.Minute, PacketAge: 30 * time.Second},
			func(s *Server) { miss(1, 1)(s); time.Sleep(30*time.Second - 1) },
			func(s *Server) { miss(1, 1)(s); time.Sleep(30 * time.Second) },
		},
		"sockets": {Recovery{Sockets: 2}, func(s *Server) { arrive(t, s).drop() }, func(s *Server) { arrive(t, s).drop(); arrive(t, s).drop() }},
		"bytes of one return": {
			Recovery{},
			func(s *Server) { miss(1, defaultReplay-26)(s) },
			func(s *Server) { miss(1, defaultReplay)(s) },
		},
	} {
		for i, f := range []func(*Server){c.missed, c.past} {
			bubble(t, recovering(c.cfg), func(t bubbleT, s *Server) {
				r := arrive(t, s)
				r.drop()
				f(s)
				r.connect().all()
				require.Equal(t, i == 0, r.recovered, "%s %d", name, i)
				require.EqualValues(t, i, s.Stats().Unrecovered)
				r.drop()
				time.Sleep(time.Hour)
				synctest.Wait()
				rec := s.Of("/").recovery
				require.Zero(t, len(rec.log)-rec.head, "nothing is kept for ever")
				require.Zero(t, rec.bytes)
				require.Zero(t, rec.order.Len())
				require.Empty(t, rec.gone)
				require.Empty(t, rec.goneID)
				require.Empty(t, rec.live)
			})
		}
	}
}

func TestRecoveryRefusesForgedAuth(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		var auths []string
		s.Of("/").OnConnection(func(s *Socket) { auths = append(auths, string(s.RawAuth())) })
		c := arrive(t, s)
		_ = s.Of("/").Emit("a")
		c.all()
		pid, offset := c.pid, c.offset
		c.drop()
		for _, auth := range []string{
			`{"pid":1,"offset":"x"}`, `{"pid":["` + pid + `"]}`, `{"pid":"nobody","offset":"` + offset + `"}`,
			`{"offset":"` + offset + `","n":[1,{"a":2.5}]}`, `{}`, ``,
			`{"pid":"` + pid + `","offset":"` + strings.Split(offset, ".")[0] + `.zzz"}`, // an event to come
		} {
			p := dial(t, s)
			p.sends("0" + auth)
			require.NotContains(t, strings.Join(p.takes(), ""), pid, auth)
			p.leaves()
		}
		require.Equal(t, []string{
			`{"token":"x"}`, `{}`, `{"pid":["` + pid + `"]}`, `{}`, `{"n":[1,{"a":2.5}]}`, `{}`, ``, `{}`,
		}, auths, "the secret is not shown to anybody")
	})
}

func TestRecoveryOverMsgpack(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		var auth struct {
			Token string `json:"token"`
			PID   string `json:"pid"`
		}
		s.Of("/").OnConnection(func(s *Socket) { require.NoError(t, s.Auth(&auth)) })
		dec := NewDecoder(ParserMsgpack, Limits{})
		connect := func(a map[string]any) (*peer, []*Event) {
			p := dial(t, s)
			msgs, err := Encode(ParserMsgpack, Header{Type: PacketConnect}, a)
			require.NoError(t, err)
			p.conn.OnMessage(msgs[0].Data, true)
			synctest.Wait()
			var all []*Event
			for _, m := range p.link.sent {
				e, err := dec.Decode(m.Data, true)
				require.NoError(t, err)
				all = append(all, e.clone())
			}
			return p, all
		}
		p, got := connect(map[string]any{"token": "x"})
		var a connected
		require.NoError(t, decodeInto(&a, got[0].Data()))
		p.leaves()
		_ = s.Of("/").Emit("missed", []byte{1})
		p, got = connect(map[string]any{"token": "y", "pid": a.PID, "offset": nil})
		require.Len(t, got, 2)
		require.Equal(t, "missed", got[0].Name())
		require.Equal(t, 2, got[0].NArgs())
		var again connected
		require.NoError(t, decodeInto(&again, got[1].Data()))
		require.Equal(t, a, again)
		require.Equal(t, "y", auth.Token)
		require.Empty(t, auth.PID)
		p.leaves()
	})
}

// A child of a dynamic namespace lives as long as somebody may come back.
func TestRecoveryKeepsTheNamespace(t *testing.T) {
	bubble(t, recovering(Recovery{For: time.Minute}), func(t bubbleT, s *Server) {
		s.OfDynamic(Dynamic{Pattern: regexp.MustCompile(`^/d\d$`)})
		p := dial(t, s)
		p.sends("0/d1,")
		p.leaves()
		exists := func() bool {
			s.mu.RLock()
			defer s.mu.RUnlock()
			return s.nsps["/d1"] != nil
		}
		require.True(t, exists())
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		require.False(t, exists())
	})
}

// What a client gets over any number of broken connections is what was meant for
// it, each event once and in order, or it is told that it is new.
func TestRecoveryIsExact(t *testing.T) {
	for seed := range uint64(60) {
		bubble(t, recovering(Recovery{Packets: 8 + int(seed)}), func(t bubbleT, s *Server) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			socks := map[string]*Socket{}
			s.Of("/").OnConnection(func(s *Socket) { socks[s.ID()] = s })
			cs := make([]*returner, 3)
			expect, seen := make([][]string, 3), make([][]string, 3)
			rooms := make([]map[string]bool, 3)
			for i := range cs {
				cs[i], rooms[i] = arrive(t, s), map[string]bool{}
			}
			back := 0
			for n := range 120 {
				i := rnd.IntN(3)
				c, room := cs[i], fmt.Sprint("r", rnd.IntN(2))
				switch rnd.IntN(8) {
				case 0:
					if c.peer.link.closed() == 0 && c.in {
						_ = socks[c.sid].Join(room)
						rooms[i][room] = true
					}
				case 1:
					if c.peer.link.closed() == 0 && c.in {
						socks[c.sid].Leave(room)
						delete(rooms[i], room)
					}
				case 2:
					c.reads(rnd.IntN(4))
					seen[i] = append(seen[i], c.got...)
					c.got = nil
					c.drop()
				case 3:
					if c.peer.link.closed() == 0 {
						continue
					}
					c.connect()
					seen[i] = append(seen[i], c.all()...)
					c.got = nil
					if c.recovered {
						back++
						require.Equal(t, expect[i], seen[i], "seed %d", seed)
					} else {
						expect[i], seen[i], rooms[i] = nil, nil, map[string]bool{}
					}
				case 4:
					_ = s.Of("/").To().Volatile().Emit("v", "string")
					for j, o := range cs { // volatile events are no part of the comparison
						seen[j] = append(seen[j], slices.DeleteFunc(o.all(), func(g string) bool { return g[0] == 'v' })...)
						o.got = nil
					}
				case 5, 6:
					_ = s.Of("/").To(room).Emit("e", n)
					for j := range cs {
						if rooms[j][room] {
							expect[j] = append(expect[j], fmt.Sprint("e ", n))
						}
					}
				case 7:
					_ = s.Of("/").To(c.sid).Emit("e", n)
					expect[i] = append(expect[i], fmt.Sprint("e ", n))
				}
			}
			for _, c := range cs {
				c.drop()
			}
			require.True(t, back > 0 || seed <= 20, "seed %d", seed)
		})
	}
}

// What a client was sent and did not get, before its connection broke, counts
// as missed; when it is forgotten the client is new.
func TestRecoveryOfWhatWasLostOnTheWay(t *testing.T) {
	for _, mine := range []int{1, 4, 5, 9} {
		for _, others := range []int{0, 1} {
			bubble(t, recovering(Recovery{Packets: 4 * (1 + others)}), func(t bubbleT, s *Server) {
				c := arrive(t, s)
				for range mine {
					_ = s.Of("/").To(c.sid).Emit("mine")
					for range others {
						_ = s.Of("/").To("others").Emit("not his")
					}
				}
				c.back().all()
				require.Equal(t, mine <= 4, c.recovered, "%d %d", mine, others)
				if c.recovered {
					require.Len(t, c.got, mine)
				}
				c.drop()
			})
		}
	}
	bubble(t, recovering(Recovery{Packets: 4}), func(t bubbleT, s *Server) {
		c := arrive(t, s)
		_ = s.Of("/").To(c.sid).Emit("lost")
		for range 9 {
			_ = s.Of("/").To("others").Emit("not his")
		}
		_ = s.Of("/").To(c.sid).Emit("lost too, but known")
		c.back().all()
		require.False(t, c.recovered)
		c.drop()
	})
}
