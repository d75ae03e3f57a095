package server

import "time"

// The maxima and times of this package. What happens at each is said beside it.
const (
	// MaxPayload bounds a message in bytes; above it the connection is closed
	// with too_large.
	MaxPayload = 64 << 10
	// OutboxBytes bounds what waits to be written to one connection; above it
	// the connection is closed with slow_consumer.
	OutboxBytes = 256 << 10
	// PingInterval and PingTimeout are the heartbeat.
	PingInterval = 10 * time.Second
	// PingTimeout is how long a pong may take.
	PingTimeout = 8 * time.Second
	// ConnectTimeout is how long a connection may live without a namespace.
	ConnectTimeout = 10 * time.Second
	// MaxStrikes is how many bad messages in a minute end a socket, with
	// DISCONNECT and bad_payload: unknown events, malformed arguments. Inputs that
	// the game's schema refuses have the same bound in game/match.
	MaxStrikes = 20
	// LobbyRate and LobbyBurst bound the events of one socket in /lobby, by the
	// second and after a pause; above it they are refused with rate_limited.
	LobbyRate = 5
	// LobbyBurst is what a lobby socket may send at once.
	LobbyBurst = 20
	// MaxInbox bounds the events of one connection that wait for their handlers;
	// above it the connection is closed with rate_limited. Inputs do not wait.
	MaxInbox = 256
	// InputFactor bounds the inputs of one socket in /match: so many times the
	// tick rate, and those of a second at once; above it they are dropped. What is
	// a flood, sio.Abuse says.
	InputFactor = 2
	// ClockRate and ClockBurst bound how often one socket may ask for the time of
	// its match; above it there is no answer.
	ClockRate = 4
	// ClockBurst is how often it may ask at once.
	ClockBurst = 16
	// MaxIndexes bounds a compact input in the form of a map of its indexes.
	MaxIndexes = 256
	// MaxPlayerSockets bounds the lobby sockets of one player; the oldest is
	// disconnected above it.
	MaxPlayerSockets = 3
	// MaxMatches is the default bound of live matches; a group above it goes
	// back to the queue.
	MaxMatches = 4096
	// MaxResults bounds the results that are remembered; the oldest is forgotten
	// first.
	MaxResults = 1024
	// ResultTTL is how long a result is told to players who come back late.
	ResultTTL = 60 * time.Second
	// MaxName bounds a player's name in characters; the rest is cut off.
	MaxName = 24
	// MaxEvent bounds the name of a request in bytes.
	MaxEvent = 64
	// MaxCrashFiles bounds the files in Config.CrashDir; the oldest is removed.
	MaxCrashFiles = 64
	// MaxCrashQueue bounds the failures that wait to be written; one more is
	// only logged.
	MaxCrashQueue = 16
	// MaxCrashText bounds each text in a crash file in bytes; the rest is cut off.
	MaxCrashText = 64 << 10
	// MaxTraces bounds the traces that POST /debug/trace takes in a minute; above it
	// 429 is answered. One is taken at a time; meanwhile 409 is answered.
	MaxTraces = 12
	// TraceLines is how many places a profile of slow ticks names in text.
	TraceLines = 20
	// TraceReadTime is how long a reader of a trace may take; then the connection
	// is closed.
	TraceReadTime = 2 * time.Minute
	// TickRows is how many matches /debug/ticks describes unless it is asked for
	// more or less, TickBlames how many late ticks and TickTraces how many saves.
	TickRows = 64
	// TickRowsMost bounds what it can be asked for; above it 400 is answered.
	TickRowsMost = 4096
	// TickBlames is a page of them.
	TickBlames = 32
	// TickTraces is a page, too.
	TickTraces = 16
	// MaxRefusals bounds the label pairs of gs_refused_total; more are counted
	// as "other".
	MaxRefusals = 256

	// LevelLogEvery is the least time between two lines about matches whose level
	// changed; the next one tells how many were left out, and /metrics has all.
	LevelLogEvery = time.Second

	// DefaultDrainTimeout bounds an orderly end.
	DefaultDrainTimeout = 10 * time.Second
	// ClaimTimeout bounds the question to a match whether a token may sit.
	ClaimTimeout = 2 * time.Second

	// drainReconnect is what players are told to wait before connecting again.
	drainReconnect = 2 * time.Second

	// ReadHeaderTimeout, IdleTimeout and MaxHeaderBytes guard the listeners.
	ReadHeaderTimeout = 5 * time.Second
	// IdleTimeout closes keep-alive connections without a request.
	IdleTimeout = 60 * time.Second
	// MaxHeaderBytes bounds a request's header; above it 431 is answered.
	MaxHeaderBytes = 8 << 10
)
