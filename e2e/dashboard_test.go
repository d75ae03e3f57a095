package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/server/client"
)

var adminAt = regexp.MustCompile(`admin=(http://[0-9.:]+)`)

// dashboard starts a server whose dashboard is on a free port, and returns the
// dashboard's address.
func dashboard(t *testing.T, binary string, args ...string) (s *server, url string) {
	t.Helper()
	_, err := os.Stat("../server/ops/web/dist/index.html")
	require.NoError(t, err, "the dashboard is not built: run make web")
	s = startBinary(t, binary, append([]string{"--admin", "127.0.0.1:0"}, args...)...)
	m := adminAt.FindStringSubmatch(s.log.String())
	require.NotNil(t, m, s.log.String())
	return s, m[1] + "/dashboard"
}

// crowdBinary builds the game of these tests, once.
func crowdBinary(t *testing.T) string {
	t.Helper()
	binaries.mu.Lock()
	defer binaries.mu.Unlock()
	path := filepath.Join(binaries.dir, "crowd")
	err, built := binaries.built[path]
	if !built {
		var out []byte
		if out, err = exec.Command("go", "build", "-o", path, "./crowd").CombinedOutput(); err != nil {
			err = fmt.Errorf("build: %w\n%s", err, out)
		}
		binaries.built[path] = err
	}
	require.NoError(t, err)
	return path
}

// attend brings players into matches of the crowd, four to each.
func attend(t *testing.T, s *server, names ...string) []*client.Match {
	t.Helper()
	type seated struct {
		i   int
		m   *client.Match
		err error
	}
	all := make(chan seated, len(names))
	for i, name := range names {
		c, err := client.Dial(t.Context(), s.url, client.Options{Name: name, Msgpack: true})
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		go func() {
			m, err := c.Queue(t.Context(), "crowd")
			all <- seated{i, m, err}
		}()
	}
	matches := make([]*client.Match, len(names))
	for range names {
		select {
		case p := <-all:
			require.NoError(t, p.err)
			matches[p.i] = p.m
		case <-time.After(patience):
			require.FailNow(t, "the players were not seated")
		}
	}
	return matches
}

func runDashboard(t *testing.T, url string, o options) *player {
	t.Helper()
	out, err := filepath.Abs("../out/dashboard")
	require.NoError(t, err)
	o["url"], o["out"], o["chromium"] = url, out, chromium(t)
	arg, err := json.Marshal(o)
	require.NoError(t, err)
	return run(t, "dashboard", "node", "dashboard.mjs", string(arg))
}

// The dashboard in a real browser: numbers move, a planted stall is blamed on its
// match and shows in it as a tick with a thick phase, a player is kicked, a match
// is stopped; with 500 matches, and on a phone. Screenshots stay in out/dashboard.
func TestDashboardInChromium(t *testing.T) {
	t.Parallel()
	s, url := dashboard(t, crowdBinary(t), "--trace-dir", t.TempDir())
	players := attend(t, s, "ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ivy", "jim", "kim", "leo")
	guilty := players[0]
	require.NoError(t, guilty.Request(t.Context(), "cost", 2, nil))
	p := runDashboard(t, url, options{"mode": "tour", "match": guilty.ID()})

	live := p.until("live", nil)
	require.Equal(t, 3.0, live.num("matches"))
	require.Equal(t, true, live["moved"], "tiles, heat map and histograms change")
	require.NoError(t, guilty.Request(t.Context(), "stall", 700, nil))
	blame := p.until("blamed", nil)
	require.Regexp(t, `took [6-9]\d\d\.\d of .* step \d`, blame.str("line"))
	selected := p.until("selected", nil)
	require.Equal(t, guilty.ID(), selected.str("id"))
	require.Greater(t, selected.num("ticks"), 100.0)
	require.Greater(t, selected.num("worst"), 650e3, "the stall, in µs")
	require.Greater(t, selected.num("step"), 600e3, "nearly all of it in step")
	require.Greater(t, selected.num("painted"), 3.0, "colours of the stacked phases")
	require.Equal(t, 4.0, selected.num("seats"))

	kicked := p.until("kicked", nil)
	require.Contains(t, kicked.str("toast"), "was kicked")
	gone := 0
	require.Eventually(t, func() bool {
		gone = 0
		for _, m := range players {
			select {
			case <-m.Done():
				gone++
			default:
			}
		}
		return gone > 0
	}, patience, tenth)
	require.Equal(t, 1, gone, "one player and no other")
	require.Contains(t, s.log.String(), "action=kick by=oncall from=127.0.0.1 result=ok match="+guilty.ID())
	require.NotEmpty(t, p.until("stopped", nil).str("toast"))
	require.Contains(t, s.log.String(), "action=stop by=oncall from=127.0.0.1 result=ok match="+guilty.ID())
	require.Contains(t, s.log.String(), "reason=stopped")

	crowd := p.until("crowd", nil)
	require.Equal(t, 500.0, crowd.num("rows"))
	require.Equal(t, "match-0250", crowd.str("hovered"), "the row under the pointer is named")
	require.Equal(t, "match-0250", crowd.str("chosen"))
	require.Equal(t, 1.0, crowd.num("filtered"))
	require.Equal(t, false, p.until("phone", nil)["scrolls"], "no sideways scrolling")
	end := p.until("end", nil)
	require.Empty(t, end["errors"], "the browser's console is clean")
	require.Empty(t, end["hosts"], "nothing is loaded from elsewhere")
	t.Logf("script a frame: %.1f ms with 3 matches and one selected, %.1f ms with 500", live.num("script"), crowd.num("script"))
	for _, shot := range []string{"overview.png", "match.png", "crowd.png", "phone.png"} {
		st, err := os.Stat(filepath.Join("../out/dashboard", shot))
		require.NoError(t, err)
		require.Greater(t, st.Size(), int64(20_000))
	}
}

// A token is asked for on the page; nothing else of the server is told without it.
func TestDashboardAsksForItsToken(t *testing.T) {
	t.Parallel()
	_, url := dashboard(t, command(t, "gameserver"), "--admin-token", "open sesame")
	p := runDashboard(t, url, options{"mode": "token", "token": "open sesame"})
	require.Contains(t, p.until("wrong", nil).str("error"), "not the token")
	require.Equal(t, "idle", p.until("in", nil).str("verdict"))
	require.Equal(t, true, p.until("reloaded", nil)["live"], "the tab remembers it")
	require.Empty(t, p.until("end", nil)["errors"])
}

// The players' page links to it, on this machine.
func TestPageLinksToDashboard(t *testing.T) {
	t.Parallel()
	_, err := os.Stat("../cmd/gameserver/web/dist/index.html")
	require.NoError(t, err, "the page is not built: run make web")
	s, url := dashboard(t, command(t, "gameserver"))
	resp, err := http.Get(s.url)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body := make([]byte, 64<<10)
	n, _ := resp.Body.Read(body)
	require.Contains(t, string(body[:n]), `href="`+url+`/"`)
}
