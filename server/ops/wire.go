package ops

import (
	"reflect"

	"gameserver/sio"
	"gameserver/tick"
)

// Namespace is where pages connect.
const Namespace = "/ops"

// The events of the namespace.
const (
	eventHello  = "hello"
	eventFrame  = "frame"
	eventTraces = "traces"
	callWatch   = "watch"
	callKick    = "kick"
	callStop    = "stop"
)

// Auth is what a page sends with its CONNECT.
type Auth struct {
	Token string `json:"token"`
}

// Hello is said once, at the beginning.
type Hello struct {
	Version string   `json:"version"`
	Host    string   `json:"host"`
	PID     int      `json:"pid"`
	Started int64    `json:"started"` // unix ms
	Every   int64    `json:"every"`   // ms between two frames
	Timer   string   `json:"timer"`   // what the workers sleep on
	Phases  []string `json:"phases" check:"required"`
	Levels  []string `json:"levels" check:"required"`
	Causes  []string `json:"causes" check:"required"`
	Can     []string `json:"can" check:"required"` // what may be asked: kick, stop, trace
}

// Frame is what has changed since the frame with the number B; 0 is nothing.
type Frame struct {
	N       uint32       `json:"n"`
	B       uint32       `json:"b"`
	At      int64        `json:"at"` // unix ms
	Up      int64        `json:"up"` // ms since the scheduler began
	Sum     Sums         `json:"sum"`
	House   Figures      `json:"house"`
	Process Process      `json:"process"`
	Workers []Worker     `json:"workers" check:"required"`
	Hist    []byte       `json:"hist"`             // see appendHist
	Heat    []byte       `json:"heat"`             // heatStride bytes for each slot, see appendHeat
	Slots   []Slot       `json:"slots,omitempty"`  // that changed hands
	Hidden  int          `json:"hidden,omitempty"` // matches without a slot
	Rows    []Row        `json:"rows,omitempty"`   // the worst, worst first; only if they were read again
	Blames  []BlameLine  `json:"blames,omitempty"` // oldest first
	Missed  uint64       `json:"missed,omitempty"` // blame lines left out before those
	Causes  CauseTotals  `json:"causes"`           // of all matches
	Match   *MatchReport `json:"match,omitempty"`  // that was selected
}

// Sums count since the scheduler began.
type Sums struct {
	Expected uint64 `json:"expected"`
	Ticks    uint64 `json:"ticks"`
	OnTime   uint64 `json:"onTime"`
	Late     uint64 `json:"late"`
	Skipped  uint64 `json:"skipped"`
	Overruns uint64 `json:"overruns"`
	Steals   uint64 `json:"steals"`
	Refused  uint64 `json:"refused"`
	Stalls   uint64 `json:"stalls"`
	Blames   uint64 `json:"blames"`
	Stuck    int    `json:"stuck"`
	Entries  int    `json:"entries"`
}

// Figures are the server's numbers beside the ticks.
type Figures struct {
	Conns    int64 `json:"conns"`
	Players  int   `json:"players"`
	Waiting  int   `json:"waiting"`
	BytesOut int64 `json:"bytesOut"` // since the beginning
	Outbox   int64 `json:"outbox"`   // bytes that wait for clients
	Ready    bool  `json:"ready"`
	Draining bool  `json:"draining"`
}

// Process is what the runtime says of itself.
type Process struct {
	Goroutines uint64  `json:"goroutines"`
	Heap       uint64  `json:"heap"`    // bytes of objects
	Allocs     uint64  `json:"allocs"`  // bytes ever allocated
	Cycles     uint64  `json:"cycles"`  // of the collector
	Pauses     uint64  `json:"pauses"`  // of the world, for the collector
	Pause      float64 `json:"pause"`   // the longest since the base, µs, at most
	Latency    float64 `json:"latency"` // p99 of a goroutine's wait for a processor since the last reading, µs
}

// Worker is one of those that tick.
type Worker struct {
	Busy    float64 `json:"busy"` // share of the last second
	Entries int     `json:"entries"`
}

// Slot says who has a place in the heat map.
type Slot struct {
	Slot   int    `json:"slot"`
	ID     string `json:"id"` // of the match; empty: nobody
	Game   string `json:"game,omitempty"`
	Hz     int    `json:"hz,omitempty"`
	Worker int    `json:"worker"`
}

// Row is how one match has been doing for ten seconds; times in µs.
type Row struct {
	Slot  int     `json:"slot"`
	Use   float64 `json:"use"` // share of the budget; above 1 the governor acts
	Took  float64 `json:"took"`
	Worst float64 `json:"worst"`
	Late  float64 `json:"late"`
	Ratio float64 `json:"ratio"` // of ticks on time, since the match began
	Level int     `json:"level"`
	Stuck bool    `json:"stuck,omitempty"`
}

// BlameLine is the account of one tick that was late, or long.
type BlameLine struct {
	Seq    uint64  `json:"seq"`
	At     int64   `json:"at"` // unix ms
	ID     string  `json:"id"` // of the match
	Game   string  `json:"game,omitempty"`
	Tick   uint64  `json:"tick"`
	Worker int     `json:"worker"`
	Late   float64 `json:"late"` // ms
	Took   float64 `json:"took"` // ms; 0: the tick was not long
	Cause  int     `json:"cause"`
	Line   string  `json:"line"`
}

// MatchReport is the selected match, tick by tick.
type MatchReport struct {
	ID     string       `json:"id"`
	Gone   bool         `json:"gone,omitempty"` // it is over
	Slot   int          `json:"slot"`
	State  string       `json:"state,omitempty"`
	Hz     int          `json:"hz,omitempty"`
	Length float64      `json:"length,omitempty"` // of a tick's time, µs
	Seats  []Seat       `json:"seats,omitempty"`  // only if they were read again
	From   uint64       `json:"from,omitempty"`   // number of the first of Ticks
	Ticks  []byte       `json:"ticks,omitempty"`  // see appendTick
	Causes *CauseTotals `json:"causes,omitempty"`
}

// CauseTotals is where the time of late and long ticks went, in ms, by cause.
type CauseTotals struct {
	Blames uint64    `json:"blames"`
	Late   []float64 `json:"late" check:"required"`
	Took   []float64 `json:"took" check:"required"`
}

// Seat is a place in the selected match.
type Seat struct {
	Seat  int    `json:"seat"`
	Name  string `json:"name"`
	State string `json:"state"`
	Bot   bool   `json:"bot,omitempty"`
}

// Trace is a save of the flight recorder.
type Trace struct {
	File  string `json:"file"` // of the trace; empty: there is none
	Head  string `json:"head"` // of what is known beside it
	At    int64  `json:"at"`   // unix ms
	Bytes int64  `json:"bytes"`
	Entry string `json:"entry"`
	Why   string `json:"why"` // late, long, or stuck
	Line  string `json:"line"`
}

// WatchRequest says what to show.
type WatchRequest struct {
	On    bool   `json:"on"`                 // false: nothing, as long as nobody looks
	Match string `json:"match" check:"..64"` // to show tick by tick; empty: none
}

// KickRequest takes a player out of a match.
type KickRequest struct {
	Match string `json:"match" check:"1..64,required"`
	Seat  int    `json:"seat" check:"0..,required"`
	By    string `json:"by" check:"..64"` // who asks, for the log
}

// StopRequest ends a match.
type StopRequest struct {
	Match string `json:"match" check:"1..64,required"`
	By    string `json:"by" check:"..64"`
}

// Done is the answer to an action that was carried out.
type Done struct {
	OK bool `json:"ok"`
}

// declare tells the namespace's events to whoever writes types, and holds the
// handlers to them.
func declare(ns *sio.Namespace) {
	ns.Emits(eventHello, Hello{}, nil)
	ns.Emits(eventFrame, Frame{}, nil)
	ns.Emits(eventTraces, reflect.TypeFor[[]Trace](), nil)
	ns.Accepts(callWatch, WatchRequest{}, Done{})
	ns.Accepts(callKick, KickRequest{}, Done{})
	ns.Accepts(callStop, StopRequest{}, Done{})
}

// words returns the names of small numbers.
func words[T interface {
	~uint8
	String() string
}](n T) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = T(i).String() //nolint:gosec // n is small
	}
	return list
}

// levels are all of the governor's.
func levels() []string { return words(tick.LevelCrawl + 1) }
