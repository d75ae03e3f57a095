package lobby

// The events that a lobby sends to players.
const (
	EventState  = "queue:state"  // QueueState
	EventFound  = "match:found"  // Found
	EventVoid   = "match:void"   // Void
	EventFailed = "match:failed" // Failed
)

// MatchNamespace is where the token of a seat is presented.
const MatchNamespace = "/match"

// QueueState is the payload of queue:state. Times are in milliseconds.
type QueueState struct {
	Ticket  string `json:"ticket"`
	Queue   string `json:"queue"`
	Rev     uint32 `json:"rev"` // grows by one with each event of a ticket
	State   string `json:"state" check:"enum=searching|offered|cancelled"`
	Waited  int64  `json:"waited"`
	Players int    `json:"players"` // searching in this queue now
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	FillMs  int64  `json:"fillMs"` // until a match starts with who is there; -1: not before there are min
}

// Found is the payload of match:found. It may come more than once for one
// match: the newest token is the one to use.
type Found struct {
	Match   string       `json:"match"`
	Queue   string       `json:"queue"`
	Game    string       `json:"game"`
	Seat    SeatOffer    `json:"seat"`
	Team    int          `json:"team"`
	Players []PlayerInfo `json:"players" check:"required"`
}

// SeatOffer says where and with what a player takes the seat.
type SeatOffer struct {
	Token string `json:"token"`
	NS    string `json:"ns"`
	Exp   int64  `json:"exp"` // unix milliseconds
}

// PlayerInfo is one seat as others see it.
type PlayerInfo struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot"`
}

// Void is the payload of match:void: a match was called off before it ran.
type Void struct {
	Match    string `json:"match"`
	Reason   string `json:"reason"`
	Requeued bool   `json:"requeued"`
	Ticket   string `json:"ticket,omitempty"`
}

// Failed is the payload of match:failed: a match broke, through no fault of
// its players.
type Failed struct {
	Match    string `json:"match"`
	Reason   string `json:"reason"`
	Ref      string `json:"ref"`
	Requeued bool   `json:"requeued"`
	Ticket   string `json:"ticket,omitempty"`
}

// Active is what a player has when saying hello.
type Active struct {
	Ticket string `json:"ticket,omitempty"`
	Match  *Found `json:"match,omitempty"`
}
