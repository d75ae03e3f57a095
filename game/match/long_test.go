package match

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/game"
)

// deafLink takes everything and remembers nothing.
type deafLink struct{ link }

func (l *deafLink) Send([]byte) error        { return nil }
func (l *deafLink) Emit(string, any) error   { return nil }
func (l *deafLink) SendLatest(p []byte) bool { l.sent++; return l.sent%7 != 0 } // some are refused

// TestLongMatchKeepsNothing plays for long by the match's own time, with all that
// comes and goes: entities, events, requests, connections that break and come
// back, in every dialect. What is alive at the end is what was alive at the
// beginning. `make soak` plays a day.
func TestLongMatchKeepsNothing(t *testing.T) {
	minutes := 15
	if n, err := strconv.Atoi(os.Getenv("MATCH_MINUTES")); err == nil {
		minutes = n
	}
	rules := quick()
	rules.Hold = time.Minute
	f := newFixture(t, rules, persons(4))
	f.game.log = nil
	f.game.on["drop"] = func(*game.Match, *game.Player) error { f.game.log = f.game.log[:0]; return nil }
	var ids []game.ID
	f.game.step = func(s *game.Step[input]) {
		for _, b := range f.game.Bodies.All() {
			b.X++
		}
		if s.Tick%3 == 0 {
			ids = append(ids, f.game.Bodies.Add(body{HP: uint8(s.Tick)}))
		}
		if len(ids) > 200 {
			f.game.Bodies.Del(ids[0])
			ids = append(ids[:0], ids[1:]...)
		}
		if s.Tick%50 == 0 {
			s.Match.Broadcast("bang", s.Tick)
			s.Match.After(20, func() {})
		}
	}
	wishes := []Wish{{}, {}, {Compact: true}, {Compact: true, Check: true}}
	seats := make([]*Seat, len(wishes))
	attach := func(i int) {
		l := &deafLink{link{enc: i > 0, wish: wishes[i]}}
		s, err := f.Attach(i, l)
		require.NoError(t, err)
		seats[i] = s
	}
	for i := range seats {
		attach(i)
	}
	v := value(1, true)
	play := func(ticks int) {
		for range ticks {
			now := f.Match.tick
			for i, s := range seats {
				s.Input(now+2, now, v)
				if now%97 == 0 {
					s.Request("ask", nil, func(any, error) {})
				}
				if int(now%1000) == 250*i {
					s.Detach()
					attach(i)
				}
			}
			require.True(t, f.ticks(1))
		}
	}
	const minute = 60 * 60
	play(5 * minute)
	before := alive()
	play(minutes * minute)
	after := alive()
	t.Logf("%d minutes: %d bytes alive before, %d after, %d entities", minutes, before, after, f.game.Bodies.Len())
	require.LessOrEqual(t, after, before+64<<10)
	require.Equal(t, game.StateRunning, f.State())
}

// alive is how many bytes the collector leaves.
func alive() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
