package flight

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gameserver/tick"
)

// Why says what a trace was saved for.
type Why string

// The reasons.
const (
	Late  Why = "late"  // a tick began late
	Long  Why = "long"  // a tick took long
	Stuck Why = "stuck" // a tick did not return
)

// Save is one saved trace. Name is that of its files, with TraceExt and HeadExt
// behind it.
type Save struct {
	Name       string        `json:"name"`
	Time       time.Time     `json:"time"`
	Why        Why           `json:"why"`
	Entry      string        `json:"entry"`
	Tick       uint64        `json:"tick,omitempty"`
	Late       time.Duration `json:"lateNs"`
	Took       time.Duration `json:"tookNs"`
	Blame      string        `json:"blame,omitempty"`      // the line
	Suppressed uint64        `json:"suppressed,omitempty"` // such ticks since the save before, without one of their own
	TraceBytes int64         `json:"traceBytes"`           // 0: there is no trace
	Problem    string        `json:"problem,omitempty"`    // why not
}

// Head is all that is saved beside the trace.
type Head struct {
	Save
	Ticks []TickLine `json:"ticks,omitempty"` // of the entry, oldest first
	Stack string     `json:"stack,omitempty"` // of a tick that did not return
}

// TickLine is one tick in a Head.
type TickLine struct {
	N      uint64                   `json:"n"`
	Late   time.Duration            `json:"lateNs"`
	Took   time.Duration            `json:"tookNs"`
	Phases map[string]time.Duration `json:"phasesNs,omitempty"` // those that took any time
}

// Extensions of the two files of a save.
const (
	TraceExt = ".trace"
	HeadExt  = ".json"
)

// saveName is what saves are called: by it they sort by time. There is no other
// way into the folder.
var saveName = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{9}Z-(late|long|stuck)-[A-Za-z0-9_-]{1,64}$`)

const tempPrefix = ".flight-"

// base returns the name of the save that a file belongs to.
func base(file string) (string, bool) {
	name, ok := strings.CutSuffix(file, TraceExt)
	if !ok {
		name, ok = strings.CutSuffix(file, HeadExt)
	}
	return name, ok && saveName.MatchString(name)
}

// nameOf returns the name of a new save.
func nameOf(j *job) string {
	entry := strings.Map(func(c rune) rune {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '-', c == '_':
			return c
		}
		return '_'
	}, j.entry)
	if entry == "" {
		entry = "_"
	}
	return j.at.UTC().Format("20060102T150405.000000000Z") + "-" + string(j.why) + "-" + entry[:min(len(entry), 64)]
}

// List returns the saves, newest first.
func (r *Recorder) List() []Save {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.saves)
	slices.Reverse(list)
	return list
}

// Open opens a file of a save: its name with TraceExt or HeadExt. Any other name
// does not exist.
func (r *Recorder) Open(file string) (*os.File, error) {
	if _, ok := base(file); !ok {
		return nil, fmt.Errorf("flight: no save %.100q: %w", file, fs.ErrNotExist)
	}
	root, err := os.OpenRoot(r.conf.Dir)
	if err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	defer root.Close()
	f, err := root.Open(file)
	if err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, fmt.Errorf("flight: %q is no file: %w", file, fs.ErrNotExist)
	}
	return f, nil
}

// folder opens the folder, which somebody may have tidied away.
func (r *Recorder) folder() (*os.Root, error) {
	if err := os.MkdirAll(r.conf.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	root, err := os.OpenRoot(r.conf.Dir)
	if err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	return root, nil
}

// scan lists what an earlier process has saved.
func (r *Recorder) scan() error {
	root, err := r.folder()
	if err != nil {
		return err
	}
	defer root.Close()
	kept, err := r.prune(root, 0, 0)
	if err != nil {
		return err
	}
	for _, name := range kept {
		if h, err := readHead(root, name); err == nil {
			r.saves = append(r.saves, h.Save)
		}
	}
	return nil
}

func readHead(root *os.Root, name string) (*Head, error) {
	f, err := root.Open(name + HeadExt)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxHeadBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxHeadBytes {
		return nil, ErrTooLarge
	}
	return parseHead(b, name)
}

// parseHead reads a head that should belong to name.
func parseHead(b []byte, name string) (*Head, error) {
	var h Head
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, fmt.Errorf("flight: %s: %w", name, err)
	}
	if h.Name != name {
		return nil, fmt.Errorf("flight: %s says that it is %.100q", name, h.Name)
	}
	return &h, nil
}

// save writes one save, whole or not at all.
func (r *Recorder) save(j job) error {
	h := r.head(&j)
	r.taking.Lock() // a snapshot for somebody takes well under a second
	data, err := r.window()
	r.taking.Unlock()
	if err != nil {
		h.Problem = err.Error() // the head alone is worth having
	}
	h.TraceBytes = int64(len(data))
	text, err := json.MarshalIndent(h, "", "\t")
	if err != nil {
		return fmt.Errorf("flight: %w", err)
	}
	if int64(len(data)+len(text)) > r.conf.Bytes {
		return ErrTooLarge
	}
	root, err := r.folder()
	if err != nil {
		return err
	}
	defer root.Close()
	kept, err := r.prune(root, 1, int64(len(data)+len(text)))
	if err != nil {
		return err
	}
	if len(data) > 0 {
		err = write(root, h.Name+TraceExt, data)
	}
	if err == nil {
		if err = write(root, h.Name+HeadExt, text); err != nil {
			_ = root.Remove(h.Name + TraceExt)
		}
	}
	r.mu.Lock()
	r.saves = slices.DeleteFunc(r.saves, func(s Save) bool { return !slices.Contains(kept, s.Name) })
	if err == nil {
		r.saves = append(r.saves, h.Save)
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	r.saved.Add(1)
	r.log.Info("trace saved", slog.String("name", h.Name), slog.String("entry", h.Entry), slog.String("why", string(h.Why)),
		slog.String("blame", h.Blame), slog.Int64("bytes", h.TraceBytes), slog.Uint64("suppressed", h.Suppressed))
	return nil
}

// head describes a save that is to be made.
func (r *Recorder) head(j *job) *Head {
	h := &Head{
		Save: Save{
			Name: nameOf(j), Time: j.at.UTC(), Why: j.why, Entry: clip(j.entry), Tick: j.blame.N,
			Late: j.blame.Late, Took: j.blame.Took, Suppressed: j.count,
		},
		Stack: clip(string(j.stack)),
	}
	if j.why != Stuck {
		h.Blame = clip(j.blame.String())
	}
	if r.conf.Ticks == nil {
		return h
	}
	ticks := r.conf.Ticks(j.entry)
	for _, t := range ticks[max(len(ticks)-MaxTicks, 0):] {
		line := TickLine{N: t.N, Late: t.Late, Took: t.Took, Phases: map[string]time.Duration{}}
		for p, d := range t.Phases {
			if d > 0 {
				line.Phases[tick.Phase(p).String()] = d
			}
		}
		h.Ticks = append(h.Ticks, line)
	}
	return h
}

func clip(s string) string { return s[:min(len(s), MaxText)] }

// write writes a file whole or not at all. It may hold names of players: nobody
// else on the machine may read it.
func write(root *os.Root, name string, data []byte) error {
	temp := tempPrefix + name
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("flight: %w", err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
		return fmt.Errorf("flight: writing %s: %w", name, err)
	}
	return nil
}

// shelf is what is in the folder.
type shelf struct {
	names []string // of saves, oldest first
	files map[string][]string
	sizes map[string]int64
	bytes int64
}

// look reads the folder, and removes what a process that died left half-written.
func look(root *os.Root) (*shelf, error) {
	entries, err := fs.ReadDir(root.FS(), ".") // sorted by name, which is by time
	if err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	s := &shelf{files: map[string][]string{}, sizes: map[string]int64{}}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if strings.HasPrefix(e.Name(), tempPrefix) && time.Since(info.ModTime()) > staleAfter {
			_ = root.Remove(e.Name())
		}
		name, ok := base(e.Name())
		if !ok {
			continue
		}
		if len(s.files[name]) == 0 {
			s.names = append(s.names, name)
		}
		s.files[name] = append(s.files[name], e.Name())
		s.sizes[name] += info.Size()
		s.bytes += info.Size()
	}
	return s, nil
}

// prune makes room for so many saves and bytes, oldest first, and returns the
// names of those that stay, oldest first.
func (r *Recorder) prune(root *os.Root, saves int, bytes int64) ([]string, error) {
	s, err := look(root)
	if err != nil {
		return nil, err
	}
	for len(s.names) > 0 && (len(s.names)+saves > r.conf.Saves || s.bytes+bytes > r.conf.Bytes) {
		oldest := s.names[0]
		for _, file := range s.files[oldest] {
			if err := root.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("flight: %w", err)
			}
		}
		s.bytes -= s.sizes[oldest]
		s.names = s.names[1:]
	}
	return s.names, nil
}
