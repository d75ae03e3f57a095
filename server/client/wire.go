package client

import (
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// Errors that callers branch on. What the server refuses is a *sio.Error.
var (
	// ErrBusy is returned by Queue while another Queue waits.
	ErrBusy = errors.New("server/client: already in a queue")
	// ErrClosed is the end of a match whose client was closed.
	ErrClosed = errors.New("server/client: closed")
	// ErrLeft is the end of a match that was left.
	ErrLeft = errors.New("server/client: left the match")
	// ErrPutOut is the end of a match, or of the wait for one, whose server
	// disconnected the player, for example because a newer connection of the
	// same player came.
	ErrPutOut = errors.New("server/client: put out")
)

// MatchError is the end of a match or of a wait for one, as the lobby tells it.
type MatchError struct {
	Match  string
	Reason string
	Ref    string // of a match that failed: finds the log line
}

// Error describes what happened.
func (e *MatchError) Error() string {
	s := fmt.Sprintf("server/client: match %s: %s", e.Match, e.Reason)
	if e.Ref != "" {
		s += " (" + e.Ref + ")"
	}
	return s
}

// Raw is a value in msgpack. Decode reads it.
type Raw = msgpack.RawMessage

// Player is a participant of a match. Its id is a number in welcome, and a text
// in match:found, where it is the player's id in the lobby.
type Player struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot"`
	Team int    `json:"team"`
}

// Person is a player as the lobby knows them.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot"`
}

// Seat is what opens a place in a match.
type Seat struct {
	Token string `json:"token"` // a credential: do not log it
	NS    string `json:"ns"`
	Exp   int64  `json:"exp"`
}

// Found is the event match:found.
type Found struct {
	Match   string   `json:"match"`
	Queue   string   `json:"queue"`
	Game    string   `json:"game"`
	Seat    Seat     `json:"seat"`
	Team    int      `json:"team"`
	Players []Person `json:"players"`
}

// QueueState is the event queue:state. Times are in milliseconds.
type QueueState struct {
	Ticket  string `json:"ticket"`
	Queue   string `json:"queue"`
	Rev     uint64 `json:"rev"`
	State   string `json:"state"` // searching, offered or cancelled
	Waited  int64  `json:"waited"`
	Players int    `json:"players"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	FillMs  int64  `json:"fillMs"`
}

// Drain is the event server:drain.
type Drain struct {
	By        any `json:"by"`
	Reconnect any `json:"reconnect"`
}

// Welcome is the first event of a match, on each connection.
type Welcome struct {
	Match   string   `json:"match"`
	Tick    uint32   `json:"tick"`
	Rate    int      `json:"rate"`  // ticks a second
	Every   int      `json:"every"` // ticks between snapshots
	You     uint32   `json:"you"`   // id of this player
	Snap    int      `json:"snap"`  // dialect of snapshots: 0 the plain one, 1 the compact one
	Resume  string   `json:"resume"`
	State   string   `json:"state"`
	World   Raw      `json:"world"` // the game's own
	Players []Player `json:"players"`
}

// Event is an event of the game. Data is its payload in msgpack.
type Event struct {
	Tick uint32
	Name string
	Data []byte
}

// Result is the last event of a match.
type Result struct {
	Match  string `json:"match"`
	Reason string `json:"reason"`
	Result Raw    `json:"result"` // the game's own
}

// gone is match:void or match:failed.
type gone struct {
	Match    string `json:"match"`
	Reason   string `json:"reason"`
	Ref      string `json:"ref"`
	Requeued bool   `json:"requeued"`
}

// hello is the answer to hello.
type hello struct {
	Player  Person `json:"player"`
	Session string `json:"session"`
	Active  *struct {
		Ticket string `json:"ticket"`
		Match  *Found `json:"match"`
	} `json:"active"`
}
