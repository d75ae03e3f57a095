package sio_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/sio"
)

// Socket.IO v2 over the real engine, by polling: the server connects "/" before
// it is asked, and a namespace that refuses v2 says so.
func TestV2OverPolling(t *testing.T) {
	s := sio.New(sio.Config{
		Engine:     engine.Config{AllowEIO3: true},
		RefuseEIO3: func(n string) bool { return n == "/match" },
	})
	ids := make(chan string, 1)
	s.Of("/").OnConnection(func(sock *sio.Socket) {
		ids <- sock.ID()
		sio.OnAck(sock, "double", func(n int) (int, error) { return 2 * n, nil })
	})
	s.Of("/match")
	url := serve(t, s) + "?EIO=3&transport=polling"
	get := func(url string) string {
		r, err := http.Get(url)
		require.NoError(t, err)
		defer func() { _ = r.Body.Close() }()
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.StatusCode, string(b))
		return string(b)
	}
	all := get(url)
	sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(all)
	require.Len(t, sid, 2, all)
	url += "&sid=" + sid[1]
	until := func(want string) {
		for !strings.Contains(all, want) {
			all += get(url)
		}
	}
	until("2:40")
	require.Equal(t, sid[1], <-ids, "the id that the client computes")
	r, err := http.Post(url, "text/plain;charset=UTF-8", strings.NewReader(`16:420["double",21]9:40/match,`))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusOK, r.StatusCode)
	until(`7:430[42]`)
	until(`44/match,{"code":"bad_version"`)
}
