package engine

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

const someRetry = time.Duration(-1)

// enters takes n places at one moment and requires each to be granted.
func enters(t *testing.T, l *limiter, addr string, now time.Duration, n int) (all []pass) {
	t.Helper()
	for i := range n {
		p, _, ok := l.enter(netip.MustParseAddr(addr), now)
		require.True(t, ok, "place %d of %s", i, addr)
		all = append(all, p)
	}
	return all
}

func refused(t *testing.T, l *limiter, addr string, now, retry time.Duration) {
	t.Helper()
	p, again, ok := l.enter(netip.MustParseAddr(addr), now)
	require.False(t, ok, addr)
	require.Equal(t, pass{}, p)
	if retry == someRetry {
		require.Positive(t, again)
		return
	}
	require.Equal(t, retry, again)
}

func TestSessionRateAtTheBound(t *testing.T) {
	l := newLimiter(Abuse{SessionRate: 10, SessionBurst: 5, Sessions: -1}, 100)
	enters(t, l, "192.0.2.1", 0, 5)
	refused(t, l, "192.0.2.1", 0, 100*time.Millisecond)
	refused(t, l, "192.0.2.1", 50*time.Millisecond, 50*time.Millisecond)
	enters(t, l, "192.0.2.2", 0, 5) // a neighbour is another network
	enters(t, l, "192.0.2.1", 100*time.Millisecond, 1)
	refused(t, l, "192.0.2.1", 100*time.Millisecond, 100*time.Millisecond)
	enters(t, l, "192.0.2.1", time.Hour, 5) // no more than the burst is saved up
	refused(t, l, "192.0.2.1", time.Hour, 100*time.Millisecond)
}

func TestConcurrentSessionsAtTheBound(t *testing.T) {
	l := newLimiter(Abuse{SessionRate: -1, Sessions: 3}, 100)
	all := enters(t, l, "192.0.2.1", 0, 3)
	refused(t, l, "192.0.2.1", time.Hour, fullRetry)
	l.leave(all[0])
	enters(t, l, "192.0.2.1", time.Hour, 1)
	refused(t, l, "192.0.2.1", time.Hour, fullRetry)
}

func TestDefaultAbuse(t *testing.T) {
	l := newLimiter(Abuse{}, 100)
	enters(t, l, "192.0.2.1", 0, defaultSessionBurst)
	refused(t, l, "192.0.2.1", 0, time.Second/defaultSessionRate)
	for i := range defaultSessions - defaultSessionBurst {
		enters(t, l, "192.0.2.1", time.Duration(i+1)*time.Second, 1)
	}
	refused(t, l, "192.0.2.1", time.Hour, fullRetry)
}

func TestIPv6Networks(t *testing.T) {
	l := newLimiter(Abuse{SessionRate: -1, Sessions: 2}, 100)
	enters(t, l, "2001:db8:1:1::1", 0, 2)
	refused(t, l, "2001:db8:1:1:ffff::2", 0, fullRetry) // the same /64
	for i := range siteScale - 1 {
		enters(t, l, "2001:db8:1:"+string(rune('2'+i))+"::1", 0, 2)
	}
	refused(t, l, "2001:db8:1:ff::1", 0, fullRetry) // the /48 is full
	enters(t, l, "2001:db8:2:1::1", 0, 2)
	// An IPv4 address with the same bits is another network.
	enters(t, l, "32.1.13.184", 0, 2)
}

func TestIPv6SiteRate(t *testing.T) {
	l := newLimiter(Abuse{SessionRate: 1, SessionBurst: 1, Sessions: -1}, 100)
	for i := range siteScale {
		enters(t, l, "2001:db8:1:"+string(rune('1'+i))+"::1", 0, 1)
	}
	refused(t, l, "2001:db8:1:ff::1", 0, time.Second/siteScale)
	enters(t, l, "2001:db8:1:ff::1", time.Second/siteScale, 1)
}

func TestMissesAtTheBound(t *testing.T) {
	l := newLimiter(Abuse{UnknownSIDs: 3}, 100)
	addr := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		_, ok := l.miss(addr, time.Second)
		require.True(t, ok)
	}
	retry, ok := l.miss(addr, 2*time.Second)
	require.False(t, ok)
	require.Equal(t, 9*time.Second, retry)
	_, ok = l.miss(netip.MustParseAddr("192.0.2.2"), 2*time.Second)
	require.True(t, ok)
	_, ok = l.miss(addr, 11*time.Second)
	require.True(t, ok)
	off := newLimiter(Abuse{UnknownSIDs: -1}, 100)
	for range 100 {
		_, ok = off.miss(addr, 0)
		require.True(t, ok)
	}
}

func TestAbuseExempts(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  Abuse
		addr netip.Addr
		want bool
	}{
		"loopback":              {Abuse{}, netip.MustParseAddr("127.0.0.1"), true},
		"IPv6 loopback":         {Abuse{}, netip.MustParseAddr("::1"), true},
		"loopback, bound":       {Abuse{Loopback: true}, netip.MustParseAddr("127.0.0.1"), false},
		"other":                 {Abuse{}, netip.MustParseAddr("192.0.2.1"), false},
		"private":               {Abuse{}, netip.MustParseAddr("10.0.0.1"), false},
		"other, off":            {Abuse{Off: true}, netip.MustParseAddr("192.0.2.1"), true},
		"Unix socket":           {Abuse{Loopback: true}, netip.Addr{}, true},
		"mapped, as it arrives": {Abuse{}, peerAddr("[::ffff:127.0.0.1]:80"), true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tc.cfg
			cfg.Sessions, cfg.SessionRate, cfg.UnknownSIDs = 1, -1, 1
			l := newLimiter(cfg, 100)
			l.enter(tc.addr, 0)
			_, _, ok := l.enter(tc.addr, 0)
			require.Equal(t, tc.want, ok)
			l.miss(tc.addr, 0)
			_, ok = l.miss(tc.addr, 0)
			require.Equal(t, tc.want, ok)
		})
	}
}

func TestForgottenNetworksAreTheOldest(t *testing.T) {
	l := newLimiter(Abuse{SessionRate: -1, Sessions: 1}, 3)
	first := enters(t, l, "192.0.2.1", 0, 1)[0]
	enters(t, l, "192.0.2.2", 0, 1)
	enters(t, l, "192.0.2.3", 0, 1)
	refused(t, l, "192.0.2.1", 0, fullRetry) // and so it was seen last
	enters(t, l, "192.0.2.4", 0, 1)          // forgets .2
	require.Len(t, l.quotas, 3)
	refused(t, l, "192.0.2.1", 0, fullRetry)
	second := enters(t, l, "192.0.2.2", 0, 1)[0] // forgets .3
	refused(t, l, "192.0.2.1", 0, fullRetry)
	// A place of a forgotten quota is given back to that quota, not to the new one.
	enters(t, l, "192.0.2.5", 0, 1)
	enters(t, l, "192.0.2.6", 0, 1)
	enters(t, l, "192.0.2.7", 0, 1)
	l.leave(first)
	l.leave(second)
	enters(t, l, "192.0.2.1", 0, 1)
	refused(t, l, "192.0.2.1", 0, fullRetry)
	// Both directions of the list name the same quotas.
	forward, backward := 0, 0
	for q := l.newest; q != nil; q = q.older {
		forward++
	}
	for q := l.oldest; q != nil; q = q.newer {
		backward++
	}
	require.Equal(t, []int{3, 3, 3}, []int{forward, backward, len(l.quotas)})
}

// The limiter must not be a way to fill the memory.
func TestLimiterMemoryIsBounded(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(quota{}), uintptr(80))
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	l := newLimiter(Abuse{}, maxQuotas)
	for i := range 4 * maxQuotas {
		var a [16]byte
		binary.BigEndian.PutUint64(a[:], uint64(i)<<16|0x2001<<48)
		p, _, _ := l.enter(netip.AddrFrom16(a), time.Duration(i))
		l.leave(p)
		l.miss(netip.AddrFrom16(a), time.Duration(i))
	}
	require.Len(t, l.quotas, maxQuotas)
	require.Less(t, heap()-before, int64(16<<20))
	runtime.KeepAlive(l)
}
