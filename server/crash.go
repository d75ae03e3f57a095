package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gameserver/game/match"
	"gameserver/lobby"
)

// crashFile is what is written about a match that failed: enough to run it
// again.
type crashFile struct {
	Version string       `json:"version"`
	Time    time.Time    `json:"time"`
	Ref     string       `json:"ref"` // what players and the log were told
	Match   string       `json:"match"`
	Game    string       `json:"game"`
	Seed    uint64       `json:"seed,string"`
	Tick    uint32       `json:"tick"`
	State   string       `json:"state"` // before
	What    string       `json:"what"`  // the panic value, or Init's error
	Stack   string       `json:"stack"`
	Seats   []crashSeat  `json:"seats"`
	Inputs  []crashInput `json:"inputs"` // the newest that were accepted, oldest first
}

type crashSeat struct {
	Name string `json:"name"`
	Team int    `json:"team"`
	Bot  bool   `json:"bot"`
}

type crashInput struct {
	Tick  uint32 `json:"tick"` // in which it was accepted
	Seat  int    `json:"seat"`
	S     uint32 `json:"s"`     // the tick it was meant for
	Value []byte `json:"value"` // msgpack
}

// crashReport is a failure on its way from the match's owner to the disk.
type crashReport struct {
	crash *match.Crash
	group lobby.Group
	at    time.Time
}

// crashes writes one file for each match that fails, on a goroutine of its own.
type crashes struct {
	dir     string // immutable, as is version
	version string
	log     *slog.Logger
	queue   chan crashReport
	stop    chan struct{} // closed when no more failures come
	done    chan struct{} // closed when all are written
}

// newCrashes starts the goroutine, unless there is nothing to write to.
func newCrashes(dir, version string, log *slog.Logger) *crashes {
	c := &crashes{
		dir: dir, version: version, log: log,
		queue: make(chan crashReport, MaxCrashQueue), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if dir == "" {
		close(c.done)
	} else {
		go c.run()
	}
	return c
}

// offer hands a failure over and does not wait. It reports whether it was taken.
func (c *crashes) offer(r crashReport) bool {
	if c.dir == "" || r.crash == nil {
		return true
	}
	select {
	case c.queue <- r:
		return true
	default:
		return false
	}
}

// run writes what comes, and what is left when it is told to stop.
func (c *crashes) run() {
	defer close(c.done)
	for {
		select {
		case r := <-c.queue:
			c.write(r)
		case <-c.stop:
			for {
				select {
				case r := <-c.queue:
					c.write(r)
				default:
					return
				}
			}
		}
	}
}

func (c *crashes) write(r crashReport) {
	name, err := c.save(c.encode(r), crashName(r))
	if err != nil {
		c.log.Error("crash file not written", slog.String("ref", r.crash.Ref), slog.Any("err", err))
		return
	}
	c.log.Info("crash file written", slog.String("ref", r.crash.Ref), slog.String("file", name))
}

func (c *crashes) encode(r crashReport) crashFile {
	f := crashFile{
		Version: c.version, Time: r.at.UTC(), Ref: r.crash.Ref, Match: r.crash.Match, Game: r.crash.Game,
		Seed: r.crash.Seed, Tick: r.crash.Tick, State: r.crash.State.String(),
		What: clip(r.crash.What), Stack: clip(string(r.crash.Stack)),
		Seats: make([]crashSeat, len(r.group.Seats)), Inputs: make([]crashInput, len(r.crash.Inputs)),
	}
	for i, s := range r.group.Seats {
		f.Seats[i] = crashSeat{Name: s.Name, Team: s.Team, Bot: s.Bot}
	}
	for i, in := range r.crash.Inputs {
		f.Inputs[i] = crashInput(in)
	}
	return f
}

// clip bounds a text that comes from a game.
func clip(s string) string { return s[:min(len(s), MaxCrashText)] }

const (
	crashPrefix = "crash-"
	crashSuffix = ".json"
)

// crashName returns a file name by which the files sort by time.
func crashName(r crashReport) string {
	id := strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return '_'
	}, r.crash.Match)
	return crashPrefix + r.at.UTC().Format("20060102T150405.000000000Z") + "-" + id[:min(len(id), 64)] + crashSuffix
}

// save writes one file whole or not at all, and removes the oldest above the
// bound. It may hold names of players: nobody else on the machine may read it.
func (c *crashes) save(f crashFile, name string) (string, error) {
	b, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return "", err
	}
	if err := c.prune(); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(c.dir, ".crash-*")
	if err != nil {
		return "", err
	}
	_, err = tmp.Write(append(b, '\n'))
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	name = filepath.Join(c.dir, name)
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return "", fmt.Errorf("writing %s: %w", name, err)
	}
	return name, nil
}

// prune makes room for one more file.
func (c *crashes) prune() error {
	entries, err := os.ReadDir(c.dir) // sorted by name, which is by time
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), crashPrefix) || !strings.HasSuffix(e.Name(), crashSuffix)
	})
	for len(entries) >= MaxCrashFiles {
		if err := os.Remove(filepath.Join(c.dir, entries[0].Name())); err != nil && !os.IsNotExist(err) {
			return err
		}
		entries = entries[1:]
	}
	return nil
}
