package e2e

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// chromium finds the browser; `make test` installs it.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	require.FailNow(t, "no Chromium: run scripts/need chromium")
	return ""
}

// The page in a real browser: Play, move, be seen by a second browser, lose the
// connection, reload, see the round end, play again, and all that on a phone's
// screen. Screenshots stay in out/page.
func TestPageInChromium(t *testing.T) {
	t.Parallel()
	_, err := os.Stat("../cmd/gameserver/web/dist/index.html")
	require.NoError(t, err, "the page is not built: run make web")
	s := start(t, "--round", "30s", "--queue-fill", "4s")
	out, err := filepath.Abs("../out/page")
	require.NoError(t, err)
	arg, err := json.Marshal(options{"url": s.url, "out": out, "chromium": chromium(t)})
	require.NoError(t, err)
	p := run(t, "chromium", "node", "page.mjs", string(arg))

	you := p.until("playing", nil).num("you")
	require.NotZero(t, you)
	moved := p.until("moved", nil)
	require.Greater(t, math.Hypot(moved.num("dx"), moved.num("dy")), 60.0, "the ship on screen follows the keys")
	p.until("seen", nil)
	resumed := p.until("resumed", nil)
	require.Equal(t, you, resumed.num("you"), "a lost connection keeps the seat")
	require.Equal(t, 1.0, resumed.num("keys"), "the new connection goes on where the old one ended")
	require.Greater(t, resumed.num("checked"), 1.0, "what the page holds is what the server says it holds")
	require.Equal(t, you, p.until("reloaded", nil).num("you"), "a reload keeps the seat")
	require.GreaterOrEqual(t, p.until("result", nil).num("rows"), 2.0)
	p.until("again", nil)
	require.Equal(t, false, p.until("phone", nil)["scrolls"])
	require.Empty(t, p.until("end", nil)["errors"], "the browser's console is clean")
	for _, shot := range []string{"lobby.png", "game.png", "result.png", "phone.png"} {
		st, err := os.Stat(filepath.Join(out, shot))
		require.NoError(t, err)
		require.Greater(t, st.Size(), int64(5000))
	}
}
