package match

import (
	"fmt"
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSeatStates(t *testing.T) {
	legal := map[SeatState][]SeatState{
		SeatReserved:  {SeatConnected, SeatBot, SeatLeft, SeatNoShow},
		SeatConnected: {SeatDropped, SeatLeft},
		SeatDropped:   {SeatConnected, SeatLeft},
		SeatBot:       {SeatLeft},
	}
	for from := range seatStates {
		for to := range seatStates {
			m := &Match{seats: []seat{{state: from}}}
			m.census[from] = 1
			s := &m.seats[0]
			var want bool
			for _, l := range legal[from] {
				want = want || l == to
			}
			if !want {
				require.PanicsWithValue(t, fmt.Sprintf("match: seat 0 cannot go from %v to %v", from, to), func() { m.move(s, to) })
				require.Equal(t, from, s.state)
				continue
			}
			m.move(s, to)
			require.Equal(t, to, s.state)
			require.Zero(t, m.census[from])
			require.Equal(t, 1, m.census[to])
		}
		require.NotEqual(t, "unknown", from.String())
	}
	require.Equal(t, "unknown", seatStates.String())
}

func TestClaims(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	claim := func(epoch uint32) error { return f.mayClaim(0, epoch, epoch > 0) }
	say := func(s *Seat) { s.Input(f.tick+1, f.tick, value(1, false)); f.ticks(1) }
	l := &link{}

	require.ErrorIs(t, claim(1), ErrSeatGone, "nobody has that token yet")
	require.NoError(t, claim(0))
	s := f.attach(0, l)
	f.ticks(1)
	require.EqualValues(t, 1, l.token)
	say(s)
	require.NoError(t, claim(0), "a stock client comes back with the token it first had")
	s = f.attach(0, l)
	f.ticks(1)
	say(s)
	require.NoError(t, claim(0), "as often as it likes")

	require.NoError(t, claim(2))
	s = f.attach(0, l) // both have been claimed: either may be the one
	f.ticks(1)
	say(s)
	require.NoError(t, claim(0))
	s = f.attach(0, l)
	f.ticks(1)

	require.NoError(t, claim(3))
	f.attach(0, l)
	f.ticks(1)
	require.NoError(t, claim(0), "nothing was said with the new token: its welcome may be lost")
	require.NoError(t, claim(3))
	s.Detach() // stale
	f.ticks(1)
	require.Equal(t, SeatConnected, f.seats[0].state)

	f.seats[0].claimed = noClaim
	require.NoError(t, claim(3))
	s = f.attach(0, l)
	f.ticks(1)
	say(s)
	require.ErrorIs(t, claim(0), ErrSeatGone, "the client has spoken with a later one")
	require.ErrorIs(t, claim(2), ErrSeatGone)
	require.NoError(t, claim(3))
	require.NoError(t, claim(l.token))
	require.ErrorIs(t, claim(l.token+1), ErrSeatGone, "from the future")
	require.ErrorIs(t, f.mayClaim(0, 0, true), ErrSeatGone, "no resume token has epoch 0")
	require.ErrorIs(t, f.mayClaim(1, 0, false), ErrSeatGone, "there is no such seat")
	require.ErrorIs(t, f.mayClaim(-1, 0, false), ErrSeatGone)
}

func TestClaimIsAnsweredWhenTheMatchEnds(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	answer := make(chan error)
	for range 3 {
		go func() { answer <- f.Claim(t.Context(), 0, 0, false) }()
	}
	f.game.on["init"] = func(*game.Match, *game.Player) error { panic("no") }
	require.False(t, f.ticks(1))
	for range 3 {
		require.Error(t, <-answer)
	}
	require.ErrorIs(t, f.Claim(t.Context(), 0, 0, false), ErrGone)
}

func TestInboxBounds(t *testing.T) {
	f := newFixture(t, quick(), persons(8))
	seats := make([]*Seat, 8)
	for i := range seats {
		seats[i] = f.attach(i, &link{quiet: true})
	}
	f.ticks(1)
	refused := 0
	for i := range SeatRequestsMax + 1 {
		seats[0].Request("r", nil, func(_ any, err error) {
			if err != nil {
				require.ErrorIs(t, err, ErrFull)
				require.Equal(t, SeatRequestsMax, i)
				refused++
			}
		})
	}
	require.Equal(t, 1, refused)
	for range SeatInputsMax {
		seats[1].Input(5, 0, value(1, false))
	}
	require.Zero(t, f.Stats().InboxFull-1, "the one request")
	seats[1].Input(5, 0, value(1, false))
	require.EqualValues(t, 2, f.Stats().InboxFull)
	f.ticks(1)
	seats[1].Input(6, 0, value(1, false))
	require.EqualValues(t, 2, f.Stats().InboxFull, "the next tick has room again")

	big := make([]byte, RequestBytesMax)
	big[0] = 0xc0
	taken, full := 0, 0
	count := func(_ any, err error) {
		if err == nil {
			taken++
		} else {
			full++
		}
	}
	f.ticks(1)
	for i := range 3 * SeatRequestsMax {
		seats[2+i/SeatRequestsMax].Request("r", big, count)
	}
	f.ticks(1)
	require.Equal(t, InboxBytesMax/2/RequestBytesMax+3*4, taken, "the common half, and the shares of three seats")
	require.Equal(t, 3*SeatRequestsMax-taken, full)
	seats[0].Request("r", make([]byte, RequestBytesMax+1), func(_ any, err error) { require.ErrorIs(t, err, ErrTooLarge) })
}

func TestInboxWholeMatchBound(t *testing.T) {
	var in inbox
	perSeat := map[int]int{}
	const seats = InboxMax / SeatInputsMax * 2
	in.init(seats)
	n := 0
	for s := range seats {
		for range SeatInputsMax {
			if in.put(Entry{Kind: KindInput, Seat: s}, nil) == nil {
				n++
				perSeat[s]++
			}
		}
	}
	require.Equal(t, SeatInputsMax, perSeat[0])
	require.Equal(t, InboxMax/2/seats, perSeat[seats-1], "those who come late have their share")
	require.Equal(t, InboxMax, n)
	for range ControlMax {
		require.NoError(t, in.putControl(Entry{Kind: KindClaim}))
	}
	require.ErrorIs(t, in.putControl(Entry{Kind: KindClaim}), ErrFull)
	_, err := in.attach(0, &link{})
	require.ErrorIs(t, err, ErrFull)
	require.NoError(t, in.putControl(Entry{Kind: KindDetach}), "never refused")
	require.Len(t, in.take().entries, InboxMax+ControlMax+1)
}

func TestStrikes(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	l := &link{}
	s := f.attach(0, l)
	f.attach(1, &link{})
	f.ticks(1)
	for i := range uint32(StrikesMax - 1) {
		s.Input(10+i, 0, []byte{0x81, 0xa1, 'q', 0xc0})
	}
	f.ticks(1)
	require.Zero(t, l.closed)
	s.Input(30, 0, make([]byte, InputBytesMax+1))
	s.Input(3, 0, value(1, false))
	f.ticks(1)
	require.Equal(t, game.ReasonBadPayload, l.closed)
	require.Equal(t, SeatDropped, f.seats[0].state, "the seat is held")
	require.EqualValues(t, StrikesMax, f.Stats().Bad)
	require.EqualValues(t, 1, f.Stats().StaleEpoch, "nothing is heard after it")
}

func TestLeaveIsAnsweredOnce(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	l := &link{}
	s := f.attach(0, l)
	f.attach(1, &link{})
	f.ticks(1)
	n := 0
	s.Leave(func() {
		n++
		require.Zero(t, l.closed, "before the link is closed")
		require.Equal(t, SeatLeft, f.seats[0].state, "when the seat is free")
	})
	s.Leave(func() { n += 10 })
	s.Detach()
	f.ticks(2)
	require.Equal(t, 11, n)
	require.Equal(t, game.ReasonLeft, l.closed)
	require.Equal(t, SeatLeft, f.seats[0].state)
}

// TestSeatsUnderAnyInterleaving drives attach, detach, leave and old handles of
// a few seats in any order. At any time at most one link of a seat is open, it
// is the newest, epochs grow, and an old handle's inputs change nothing.
func TestSeatsUnderAnyInterleaving(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := quick()
		rules.Hold = 0
		f := newFixture(t, rules, persons(3))
		type conn struct {
			seat *Seat
			link *link
		}
		var conns [3][]conn
		const forbidden = 999999
		f.game.step = func(s *game.Step[input]) {
			for _, in := range s.Inputs() {
				require.NotEqualValues(rt, forbidden, in.N)
			}
		}
		for range rapid.IntRange(1, 40).Draw(rt, "moves") {
			i := rapid.IntRange(0, 2).Draw(rt, "seat")
			n := len(conns[i])
			switch op := rapid.SampledFrom([]string{"attach", "attach", "detach", "leave", "input", "tick", "tick"}).Draw(rt, "op"); {
			case op == "tick":
				if !f.ticks(1) {
					return
				}
			case op == "attach":
				l := &link{}
				s, err := f.Attach(i, l)
				require.NoError(rt, err)
				if n > 0 {
					require.Greater(rt, s.epoch, conns[i][n-1].seat.epoch)
				}
				conns[i] = append(conns[i], conn{s, l})
			case n == 0:
			case op == "detach":
				conns[i][rapid.IntRange(0, n-1).Draw(rt, "which")].seat.Detach()
			case op == "leave":
				if rapid.IntRange(0, 9).Draw(rt, "really") == 0 {
					conns[i][n-1].seat.Leave(func() {})
				}
			case op == "input":
				k := rapid.IntRange(0, n-1).Draw(rt, "which")
				n := 1
				if k < len(conns[i])-1 {
					n = forbidden
				}
				conns[i][k].seat.Input(f.tick+1, 0, value(n, false))
			}
			for i := range conns {
				for _, c := range conns[i] {
					s := &f.seats[i]
					switch {
					case s.link == c.link:
						require.Zero(rt, c.link.closed)
						require.Equal(rt, c.seat.epoch, s.epoch)
					case s.epoch > c.seat.epoch:
						require.True(rt, c.link.closed != 0 || c.seat.gone.Load(), "an older link is closed or lost")
					}
				}
			}
		}
	})
}
