package match

import (
	"fmt"
	"testing"

	"gameserver/game"
	"gameserver/game/snap"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// crowd is a running match of n players who all move in every tick.
func crowd(tb testing.TB, n, snapshots int) (*fixture, []*Seat) {
	tb.Helper()
	rules := quick()
	rules.Players, rules.Snapshots = game.Between(1, n), snapshots
	f := newFixture(tb, rules, persons(n))
	f.game.step = func(s *game.Step[input]) {
		for p, in := range s.Inputs() {
			b := f.game.Bodies.Mut(p.ID)
			b.X += float32(in.N%7) + 1
			if in.Fire {
				b.HP--
			}
		}
		if s.Tick%4 == 0 { // a shot comes and one goes
			f.game.Bodies.Add(body{X: float32(s.Tick)})
			for id := range f.game.Bodies.All() {
				if int(id) > n {
					f.game.Bodies.Del(id)
					break
				}
			}
		}
	}
	seats := make([]*Seat, n)
	for i := range seats {
		seats[i] = f.attach(i, &link{enc: i%2 == 0, quiet: true})
	}
	f.ticks(1)
	return f, seats
}

func TestTickDoesNotAllocate(t *testing.T) {
	f, seats := crowd(t, 100, 60)
	in := value(5, true)
	n := 0
	run := func() {
		for i, s := range seats {
			s.Input(f.tick+2, f.tick, in)
			f.seats[i].link.(*link).refuse = (i+n)%10 == 0 // views differ
		}
		n++
		f.ticks(1)
	}
	for range 1500 { // ids come back after their rest, the crash history is full
		run()
	}
	require.Zero(t, testing.AllocsPerRun(300, run))
	s := f.Stats()
	require.EqualValues(t, 180100, s.Inputs)
	require.NotZero(t, s.SnapshotsRefused)
	require.Greater(t, s.Snapshots, uint64(100000))
}

// TestLinksHoldTheServersState: players come, go, stall, lose what was on its way
// and return, some with what they had, and whoever has just taken a snapshot holds
// the world.
func TestLinksHoldTheServersState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := quick()
		rules.Hold, rules.SeatTTL, rules.Snapshots = 0, 0, rapid.SampledFrom([]int{10, 20, 60}).Draw(rt, "rate")
		f := newFixture(t, rules, persons(4))
		f.game.step = func(s *game.Step[input]) {
			r := s.Match.Rand
			f.game.Bodies.Add(body{X: r.Float32() * 100, HP: uint8(r.IntN(3))})
			for id, b := range f.game.Bodies.All() {
				switch r.IntN(8) {
				case 0:
					b.X += 0.1 * float32(r.IntN(20))
				case 1:
					if id > 4 {
						f.game.Bodies.Del(id)
					}
				}
			}
		}
		var links [4]*link
		var seats [4]*Seat
		var mirrors [4]*snap.Mirror
		for i := range mirrors {
			mirrors[i] = snap.NewMirror(f.cfg.Def.Schema)
		}
		f.ticks(1)
		for range rapid.IntRange(1, 60).Draw(rt, "ticks") {
			i := rapid.IntRange(0, 3).Draw(rt, "player")
			switch op := rapid.SampledFrom([]string{"attach", "resume", "detach", "stall", "lose", "flow", "", ""}).Draw(rt, "op"); {
			case op == "attach":
				links[i] = &link{enc: rapid.Bool().Draw(rt, "msgpack")}
				seats[i] = f.attach(i, links[i])
			case op == "resume":
				links[i] = f.compact(mirrors[i].Tick(), mirrors[i])
				seats[i] = f.attach(i, links[i])
			case links[i] == nil:
			case op == "detach":
				seats[i].Detach()
			case op == "lose": // until there is another connection
				links[i].quiet = true
			default:
				links[i].refuse = op == "stall"
			}
			f.ticks(1)
			for i, l := range links {
				if l == nil || f.seats[i].link != l || l.quiet {
					continue
				}
				if l.mirror != nil {
					l.last.T, l.entities = l.mirror.Tick(), held(l.mirror)
				}
				if l.last.T != f.tick {
					continue
				}
				want := map[int64][]any{}
				for id, b := range f.game.Bodies.All() {
					q := float64(int(b.X*2 + 0.5))
					if held := l.entities[int64(id)]; len(held) == 2 { // a tie may go either way
						if x, _ := held[0].(float64); x-float64(b.X)*2 <= 0.5 && float64(b.X)*2-x <= 0.5 {
							q = x
						}
					}
					want[int64(id)] = []any{q, float64(b.HP)}
				}
				require.Equal(rt, want, l.entities)
			}
		}
	})
}

// held is what a mirror holds, as a plain client keeps it.
func held(m *snap.Mirror) map[int64][]any {
	out := map[int64][]any{}
	for row := range m.Count(0) {
		id, values := m.At(0, row)
		out[int64(id)] = []any{float64(values[0]), float64(values[1])}
	}
	return out
}

func TestRefusedSnapshotIsRetriedAtTheNextTick(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	l := &link{}
	f.attach(0, l)
	f.ticks(1)
	l.refuse = true
	f.ticks(3) // tick 3 is refused
	require.EqualValues(t, 2, f.Stats().SnapshotsRefused, "at 3, and again at 4")
	l.refuse, l.log = false, nil
	f.ticks(3)
	require.Equal(t, []string{"snapshot 5 on 1", "snapshot 6 on 5"}, l.log)
}

func TestTapSeesWhatIsTaken(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	var seen []string
	f.cfg.Tap = func(tick uint32, e *Entry) {
		seen = append(seen, fmt.Sprintf("%d: %d seat %d epoch %d s %d %q %x", tick, e.Kind, e.Seat, e.Epoch, e.S, e.Event, e.Data))
	}
	s := f.attach(0, &link{})
	s.Input(3, 1, []byte{0x80})
	s.Request("buy", []byte{0xc0}, func(any, error) {})
	f.ticks(1)
	s.Detach()
	f.ticks(1)
	require.Equal(t, []string{
		`1: 4 seat 0 epoch 1 s 0 "" `,
		`1: 0 seat 0 epoch 1 s 3 "" 80`,
		`1: 1 seat 0 epoch 1 s 0 "buy" c0`,
		`2: 3 seat 0 epoch 1 s 0 "" `,
	}, seen)
}

func BenchmarkMatchTick100(b *testing.B) {
	for _, snapshots := range []int{60, 20} {
		b.Run(fmt.Sprint("snapshots", snapshots), func(b *testing.B) {
			f, seats := crowd(b, 100, snapshots)
			f.ticks(2)
			in := value(5, false)
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range seats {
					s.Input(f.tick+2, f.tick, in)
				}
				f.ticks(1)
			}
		})
	}
}

func BenchmarkMatchTick1000(b *testing.B) {
	f, seats := crowd(b, 1000, 20)
	in := value(5, false)
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range seats {
			s.Input(f.tick+2, f.tick, in)
		}
		f.ticks(1)
	}
}
