package sio

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

const v2SID = "AAAAAAAAAAAAAAAAAAAB"

func dialV2(t bubbleT, s *Server) *peer {
	t.Helper()
	l := &fakeLink{}
	var c *conn
	l.onClose = func(r engine.Reason) { c.OnClose(r) }
	c = s.acceptV2(l, nil, v2SID)
	synctest.Wait()
	return &peer{t: t, link: l, conn: c}
}

// A Socket.IO v2 client is in "/" without asking, and its ids follow from the
// id of its session.
func TestV2Connect(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		s.Of("/").OnConnection(func(s *Socket) { log.add("%s %s", s.Namespace().Name(), s.ID()) })
		n := s.Of("/chat")
		n.Use(func(s *Socket) error {
			var auth struct {
				Token string `json:"token"`
			}
			require.NoError(t, s.Auth(&auth))
			if auth.Token != "a b" {
				return &Error{Code: "auth_failed", Msg: "No"}
			}
			require.Equal(t, "a b", s.Handshake().Query.Get("token"))
			return nil
		})
		n.OnConnection(func(s *Socket) {
			log.add("%s %s", s.Namespace().Name(), s.ID())
			OnAck(s, "ask", func(n int) (int, error) { return n + 1, nil })
		})
		p := dialV2(t, s)
		p.wants("0")
		p.sends("0/chat")
		p.wants(`4/chat,{"code":"auth_failed","msg":"No"}`)
		p.sends("0/chat?token=a%20b,", `2/chat,1["ask",1]`, "0/nowhere?x=1")
		p.wants("0/chat,", `3/chat,1[2]`, `4/nowhere,"Invalid namespace"`)
		require.Equal(t, []string{"/ " + v2SID, "/chat /chat#" + v2SID}, log.take())
		require.Equal(t, ParserJSON, p.conn.parser)
		p.sends("1/chat,")
		p.open()
		p.sends("0")
		p.closedWith(engine.ReasonProtocol)
	})
}

// A v2 client speaks the default parser; binary out of the blue ends it.
func TestV2HasOneParser(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := dialV2(t, s)
		p.sendsHex("83 a4 74797065 00 a4 64617461 c0 a3 6e7370 a1 2f")
		p.closedWith(engine.ReasonProtocol)
	})
}

// Each namespace may refuse v2 clients.
func TestV2Refused(t *testing.T) {
	bubble(t, Config{RefuseEIO3: func(n string) bool { return n != "/old" }}, func(t bubbleT, s *Server) {
		s.Of("/old")
		s.Of("/lobby")
		p := dialV2(t, s)
		p.wants(`4{"code":"bad_version","msg":"Unsupported protocol version"}`)
		p.sends("0/lobby", "0/old")
		p.wants(`4/lobby,{"code":"bad_version","msg":"Unsupported protocol version"}`, "0/old,")
		p.leaves()
		q := joined(t, s)
		q.sends("0/lobby")
		q.wants(`0/lobby,{"sid":"SID"}`)
		q.leaves()
	})
}
