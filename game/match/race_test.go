package match

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// TestEverythingAtOnce lets goroutines claim, attach, ask, play, leave and lose
// connections while the match is ticked and then stopped, or panics. Every call
// is answered once, every link is closed or was given up, and there is one end.
func TestEverythingAtOnce(t *testing.T) {
	for _, end := range []string{"stop", "panic", "hold"} {
		t.Run(end, func(t *testing.T) {
			f := newFixture(t, quick(), persons(4))
			var asked, answered, leaving, left atomic.Int64
			var open sync.Map // link to its Seat
			var wg sync.WaitGroup
			play := func(seat int, n int) {
				defer wg.Done()
				for i := range n {
					if err := f.Claim(context.Background(), seat, 0, false); err != nil {
						require.True(t, errors.Is(err, ErrGone) || errors.Is(err, ErrSeatGone), err)
						return
					}
					l := &link{quiet: true}
					s, err := f.Attach(seat, l)
					if err != nil {
						require.ErrorIs(t, err, ErrGone)
						return
					}
					open.Store(l, s)
					asked.Add(1)
					s.Request("r", nil, func(any, error) { answered.Add(1) })
					s.Input(f.Stats().Tick+1, 0, value(1, true))
					if i == n-1 && end == "hold" {
						leaving.Add(1)
						s.Leave(func() { left.Add(1) })
					} else if i%2 == 0 {
						s.Detach()
					}
				}
			}
			for i := range 8 {
				wg.Add(1)
				go play(i%4, 30)
			}
			done := make(chan struct{})
			go func() { wg.Wait(); close(done) }()
			for over, last := false, 0; f.ticks(1) && last < 100; runtime.Gosched() {
				select {
				case <-done:
					over = true
				default:
				}
				if over || f.tick > 40 && end == "panic" {
					last++
				}
				switch {
				case last == 1 && end == "stop":
					go f.Stop(game.ReasonDrain)
				case last == 1 && end == "panic":
					f.game.on["step"] = func(*game.Match, *game.Player) error { panic("now") }
				}
			}
			require.True(t, f.State().Final(), "it ended: %v", f.State())
			<-done
			require.Len(t, f.ends, 1, fmt.Sprint(f.ends))
			require.Equal(t, asked.Load(), answered.Load())
			require.Equal(t, leaving.Load(), left.Load())
			open.Range(func(k, v any) bool {
				l, s := k.(*link), v.(*Seat)
				require.True(t, l.closed != 0 || s.gone.Load(), "a link is open")
				return true
			})
			for i := range f.seats {
				require.Nil(t, f.seats[i].link)
			}
			require.ErrorIs(t, f.Claim(t.Context(), 0, 0, false), ErrGone)
		})
	}
}

// TestSameInboxSameWorld replays what the inbox of one match held to another:
// what links are given is the same to the byte.
func TestSameInboxSameWorld(t *testing.T) {
	type entry struct {
		tick uint32
		e    Entry
	}
	var tape []entry
	rules := quick()
	rules.Players, rules.Bots, rules.Hold = game.Between(1, 8), true, time.Hour
	script := func(f *fixture) {
		f.game.step = func(s *game.Step[input]) {
			for p, in := range s.Inputs() {
				b := f.game.Bodies.Mut(p.ID)
				b.X += float32(s.Match.Rand.IntN(10)) + float32(in.N%3)
				if in.Fire || p.Bot {
					f.game.Bodies.Add(body{X: b.X})
					p.Send("shot", s.Match.Rand.Uint32())
				}
			}
			for id := range f.game.Bodies.All() {
				if id > 8 && s.Match.Rand.IntN(4) == 0 {
					f.game.Bodies.Del(id)
				}
			}
		}
		f.game.on["handle"] = func(m *game.Match, p *game.Player) error {
			m.After(3, func() { m.Broadcast("later", p.ID) })
			return nil
		}
	}
	first := newFixture(t, rules, append(persons(4), SeatSpec{Bot: true}))
	first.Match.cfg.Tap = func(tick uint32, e *Entry) {
		c := *e
		c.Data = append([]byte(nil), e.Data...)
		tape = append(tape, entry{tick, c})
	}
	script(first)
	logs := map[string][]string{}
	links := map[[2]uint32]*link{}
	seats := map[int]*Seat{}
	for i := range 200 {
		n := i % 4
		switch {
		case i%17 == 0 || seats[n] == nil:
			l := &link{}
			seats[n] = first.attach(n, l)
			links[[2]uint32{uint32(n), seats[n].epoch}] = l
		case i%29 == 0:
			seats[n].Detach()
		case i%31 == 0:
			seats[n].Request("r", nil, func(any, error) {})
		default:
			seats[n].Input(first.tick+1+uint32(i%3), first.tick, value(i, i%2 == 0))
		}
		first.ticks(1)
	}
	for k, l := range links {
		logs[fmt.Sprint(k)] = l.log
	}
	require.Greater(t, len(logs), 8)

	second := newFixture(t, rules, append(persons(4), SeatSpec{Bot: true}))
	script(second)
	held := map[[2]uint32]*Seat{}
	again := map[[2]uint32]*link{}
	for i := range 200 {
		for ; len(tape) > 0 && tape[0].tick == uint32(i+1); tape = tape[1:] {
			e := tape[0].e
			key := [2]uint32{uint32(e.Seat), e.Epoch}
			switch e.Kind {
			case KindAttach:
				again[key] = &link{}
				held[key] = second.attach(e.Seat, again[key])
			case KindDetach:
				held[key].Detach()
			case KindInput:
				held[key].Input(e.S, e.K, e.Data)
			case KindRequest:
				held[key].Request(e.Event, e.Data, func(any, error) {})
			case KindLeave, KindClaim, KindStop:
				t.Fatalf("unexpected %v", e.Kind)
			}
		}
		second.ticks(1)
	}
	for k, l := range again {
		require.Equal(t, len(logs[fmt.Sprint(k)]), len(l.log))
		for i, line := range l.log {
			require.Equal(t, logs[fmt.Sprint(k)][i], line)
		}
		require.Equal(t, links[k].entities, l.entities)
	}
}
