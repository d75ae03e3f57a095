package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gameserver/server/flight"
	"gameserver/tick"
)

// startFlight starts the flight recorder, if there is a folder for it.
func (s *Server) startFlight() error {
	if s.cfg.TraceDir == "" {
		return nil
	}
	r, err := flight.New(flight.Config{
		Dir: s.cfg.TraceDir, Over: s.cfg.TraceOver, Every: s.cfg.TraceEvery, Logger: s.log, Ticks: s.lastTicks,
		Busy: busyShare(),
	})
	if err != nil && s.cfg.TraceDir == folder("", "traces") {
		s.log.Warn("going on without the flight recorder", slog.Any("err", err)) // nobody asked for that folder
		return nil
	}
	if err != nil {
		return fmt.Errorf("--trace-dir: %w", err)
	}
	if st := r.Stats(); !st.Running {
		s.log.Warn("the flight recorder is not running: late ticks are noted without their trace", slog.String("why", st.Problem))
	}
	s.flight = r
	return nil
}

// endFlight ends the flight recorder. It waits for a save that is being written.
func (s *Server) endFlight() {
	if s.flight != nil {
		s.flight.Close()
	}
}

// lastTicks returns the ticks of an entry by its name.
func (s *Server) lastTicks(entry string) []tick.Record {
	for _, e := range s.ticks.Entries() {
		if e.Stats().Name == entry {
			return e.Recent(nil, 0)
		}
	}
	return nil
}

// watched has the flight recorder told of what the scheduler finds.
func (s *Server) watched(c tick.Config) tick.Config {
	if s.flight == nil {
		return c
	}
	c.OnBlame, c.BlameEvery = (&blameLog{s: s}).blame, -1
	stuck := c.OnStuck
	c.OnStuck = func(entry string, stack []byte) {
		s.flight.Stuck(entry, stack)
		if stuck != nil {
			stuck(entry, stack)
			return
		}
		s.log.Error("tick: stuck", slog.String("entry", entry), slog.String("stack", string(stack)))
	}
	return c
}

// blameLog passes every late or long tick to the flight recorder, and a few to
// the log. It belongs to the scheduler's goroutine for hooks.
type blameLog struct {
	s     *Server
	next  time.Time
	muted uint64
}

func (l *blameLog) blame(b tick.Blame) {
	l.s.flight.Blame(b)
	now := time.Now()
	if now.Before(l.next) {
		l.muted++
		return
	}
	l.s.log.Info("tick: "+b.String(), slog.String("entry", b.Entry), slog.Uint64("tick", b.N),
		slog.Int("worker", b.Worker), slog.Uint64("suppressed", l.muted))
	l.next, l.muted = now.Add(tick.DefaultBlameEvery), 0
}

// traceList is what GET /debug/traces answers.
type traceList struct {
	On         bool          `json:"on"` // there is a flight recorder
	Running    bool          `json:"running"`
	Paused     bool          `json:"paused,omitempty"` // the process is busy
	Problem    string        `json:"problem,omitempty"`
	Dir        string        `json:"dir,omitempty"`
	Saved      uint64        `json:"saved"`
	Suppressed uint64        `json:"suppressed"`
	QueueFull  uint64        `json:"queueFull"`
	Failed     uint64        `json:"failed"`
	Saves      []flight.Save `json:"saves"` // newest first
}

// traceList describes the flight recorder and at most n of its saves.
func (s *Server) traceList(n int) traceList {
	if s.flight == nil {
		return traceList{Saves: []flight.Save{}}
	}
	st, saves := s.flight.Stats(), s.flight.List()
	dir, err := filepath.Abs(s.cfg.TraceDir)
	if err != nil {
		dir = s.cfg.TraceDir
	}
	return traceList{
		On: true, Running: st.Running, Paused: st.Paused, Problem: st.Problem, Dir: dir, Saved: st.Saved, Suppressed: st.Suppressed,
		QueueFull: st.QueueFull, Failed: st.Failed, Saves: append([]flight.Save{}, saves[:min(n, len(saves))]...),
	}
}

// debugTraces lists the saves as JSON.
func (s *Server) debugTraces(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// An error here is a reader that left.
	_ = json.NewEncoder(w).Encode(s.traceList(flight.MaxSaves))
}

// debugTraceFile serves one file of a save.
func (s *Server) debugTraceFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if s.flight == nil {
		plain(w, http.StatusNotFound, noRecorder)
		return
	}
	f, err := s.flight.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		plain(w, http.StatusNotFound, "no such trace: GET /debug/traces lists those there are")
		return
	}
	if err != nil {
		s.log.Warn("a saved trace cannot be read", slog.String("name", name), slog.Any("err", err))
		plain(w, http.StatusInternalServerError, "the trace cannot be read")
		return
	}
	defer f.Close()
	var q traceQuery
	if err := q.parseOver(r.URL.Query()); err != nil {
		plain(w, http.StatusBadRequest, err.Error())
		return
	}
	if q.over > 0 && strings.HasSuffix(name, flight.TraceExt) {
		if !s.tracing.TryLock() {
			s.refuseTrace(w, http.StatusConflict, "busy", "another trace is being taken or read: try again when it is done")
			return
		}
		defer s.tracing.Unlock()
		s.explain(w, f, q)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.HasSuffix(name, flight.HeadExt) {
		h.Set("Content-Type", "application/json")
	} else {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	patient(w)
	http.ServeContent(w, r, name, time.Time{}, f)
}

const noRecorder = "the flight recorder is off: --trace-dir switches it on"

// patient bounds the time that an answer may take to be read.
func patient(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(TraceReadTime)) // a test's writer has none
}

// debugTrace takes a trace: of the last seconds, or of the next with ?seconds=.
func (s *Server) debugTrace(w http.ResponseWriter, r *http.Request) {
	q, err := parseTraceQuery(r)
	if err != nil {
		plain(w, http.StatusBadRequest, err.Error())
		return
	}
	if !s.tracing.TryLock() {
		s.refuseTrace(w, http.StatusConflict, "busy", "another trace is being taken: try again when it is done")
		return
	}
	defer s.tracing.Unlock() // when it has been read: one is in memory at a time
	if !s.traceRate.allow(time.Now()) {
		s.refuseTrace(w, http.StatusTooManyRequests, "rate_limited", fmt.Sprintf("at most %d traces a minute", MaxTraces))
		return
	}
	data, err := s.takeTrace(r.Context(), q)
	switch {
	case errors.Is(err, flight.ErrBusy):
		s.refuseTrace(w, http.StatusConflict, "busy",
			"this process is being traced by somebody else, such as /debug/pprof/trace or --profile trace")
		return
	case errors.Is(err, flight.ErrOff):
		s.refuseTrace(w, http.StatusConflict, "off", noRecorder+"; or say ?seconds= for a new trace")
		return
	case errors.Is(err, flight.ErrPaused):
		s.refuseTrace(w, http.StatusConflict, "paused", "the flight recorder pauses while the process is busy: say ?seconds= for a new trace")
		return
	case err != nil:
		s.log.Warn("no trace was taken", slog.Any("err", err))
		plain(w, http.StatusInternalServerError, "no trace was taken: "+err.Error())
		return
	}
	if q.over > 0 {
		s.explain(w, bytes.NewReader(data), q)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="now.trace"`)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("Cache-Control", "no-store")
	patient(w)
	// An error here is a reader that left.
	_, _ = w.Write(data)
}

// refuseTrace says no for now.
func (s *Server) refuseTrace(w http.ResponseWriter, code int, reason, text string) {
	s.metrics.refuse("trace", reason)
	w.Header().Set("Retry-After", "5")
	plain(w, code, text)
}

// traceQuery is what a trace should be like.
type traceQuery struct {
	record time.Duration // 0: the window of the flight recorder
	cpu    bool          // with samples of the CPU profiler
	over   time.Duration // 0: the trace itself; else the profile of ticks that took longer
	text   bool          // for people
}

func parseTraceQuery(r *http.Request) (q traceQuery, err error) {
	v := r.URL.Query()
	if text := v.Get("seconds"); text != "" {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f > 0) || f > flight.MaxRecord.Seconds() {
			return q, fmt.Errorf("seconds: want a number above 0, up to %g", flight.MaxRecord.Seconds())
		}
		q.record = max(time.Duration(f*float64(time.Second)), 1)
	}
	switch v.Get("cpu") {
	case "", "0":
	case "1":
		q.cpu = true
	default:
		return q, errors.New("cpu: want 0 or 1")
	}
	if err := q.parseOver(v); err != nil {
		return q, err
	}
	if q.cpu && q.record == 0 {
		return q, errors.New("cpu: the CPU profiler has not been running: say ?seconds= for a new trace")
	}
	return q, nil
}

func (q *traceQuery) parseOver(v url.Values) error {
	text, as := v.Get("over"), v.Get("as")
	if text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return errors.New("over: want a time such as 8ms")
		}
		q.over = d
	}
	if as != "" && as != "text" && as != "pprof" {
		return errors.New("as: want text or pprof")
	}
	if as != "" && q.over == 0 {
		return errors.New("as: say ?over= too, such as 8ms")
	}
	q.text = as == "text"
	return nil
}

// explain answers with the profile of slow ticks in a trace. The caller holds
// Server.tracing.
func (s *Server) explain(w http.ResponseWriter, trace io.Reader, q traceQuery) {
	p, err := flight.Read(trace, q.over)
	if err != nil {
		s.log.Warn("a trace cannot be read", slog.Any("err", err))
		plain(w, http.StatusInternalServerError, "the trace cannot be read")
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	patient(w)
	// Errors here are a reader that left.
	if q.text {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		_ = p.WriteText(w, TraceLines)
		return
	}
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="slow-ticks.pb.gz"`)
	_ = p.WritePprof(w)
}

func (s *Server) takeTrace(ctx context.Context, q traceQuery) ([]byte, error) {
	switch {
	case q.record > 0:
		return flight.Record(ctx, q.record, q.cpu)
	case s.flight == nil:
		return nil, flight.ErrOff
	default:
		return s.flight.Snapshot()
	}
}

// pacer lets MaxTraces through in each minute. It belongs to whoever holds
// Server.tracing.
type pacer struct {
	minute time.Time
	n      int
}

func (p *pacer) allow(now time.Time) bool {
	if now.Sub(p.minute) >= time.Minute {
		p.minute, p.n = now, 0
	}
	p.n++
	return p.n <= MaxTraces
}
