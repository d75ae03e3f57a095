package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"gameserver/server/flight"
)

// traceFlags are the flags of trace.
type traceFlags struct {
	adminFlags

	For           time.Duration `env:"-" placeholder:"TIME" help:"Record so long, with the CPU profiler on; without it, take the last seconds that the flight recorder holds."`
	Saved         string        `env:"-" placeholder:"NAME" help:"Take a saved trace by its name, or last: the newest."`
	In            string        `env:"-" placeholder:"FILE" help:"Take a file that is here already."`
	OnlyTicksOver time.Duration `env:"-" placeholder:"TIME" help:"Print where ticks longer than this spent their time, and write it as a profile for go tool pprof."`
	Top           int           `env:"-" default:"12" placeholder:"N" help:"Lines to print (${default})."`
	Out           string        `env:"-" placeholder:"FILE" help:"Where to write: a trace, or the profile with --only-ticks-over; - is standard output."`
}

// explains reports whether slow ticks are asked for.
func (f *traceFlags) explains() bool { return f.OnlyTicksOver > 0 }

// runTrace takes a trace of a running server and writes or explains it.
func runTrace(ctx context.Context, f *traceFlags, stdout io.Writer) error {
	if f.OnlyTicksOver < 0 || f.Top < 1 {
		return usage("--only-ticks-over and --top must be positive")
	}
	if n := count(f.For != 0, f.Saved != "", f.In != ""); n > 1 {
		return usage("--for, --saved and --in each say where the trace comes from: choose one")
	}
	if f.For < 0 || f.For > flight.MaxRecord {
		return usage("--for %v: want up to %v", f.For, flight.MaxRecord)
	}
	data, name, err := f.fetch(ctx)
	if err != nil {
		return err
	}
	if !f.explains() {
		out := cmp.Or(f.Out, name)
		if err := writeOut(out, data, stdout); err != nil || out == "-" {
			return err
		}
		_, err = fmt.Fprintf(stdout, "wrote %s, %d KB; open it with:  go tool trace %s\n", out, len(data)>>10, out)
		return err
	}
	p, err := flight.Read(bytes.NewReader(data), f.OnlyTicksOver)
	if err != nil {
		return err
	}
	var profile bytes.Buffer
	if err := p.WritePprof(&profile); err != nil {
		return err
	}
	if f.Out == "-" {
		_, err = stdout.Write(profile.Bytes())
		return err
	}
	if err := p.WriteText(stdout, f.Top); err != nil || p.Slow == 0 {
		return err
	}
	out := cmp.Or(f.Out, strings.TrimSuffix(name, flight.TraceExt)+".pb.gz")
	if err := writeOut(out, profile.Bytes(), stdout); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nwrote %s; open it with:  go tool pprof -http=: %s\n", out, out)
	return err
}

// count returns how many are true.
func count(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}

// fetch returns the trace that the flags describe, and a name for it.
func (f *traceFlags) fetch(ctx context.Context) (data []byte, name string, err error) {
	if f.In != "" {
		data, err = readIn(f.In)
		return data, f.In[strings.LastIndexByte(f.In, '/')+1:], err
	}
	c, err := f.client()
	if err != nil {
		return nil, "", err
	}
	if f.Saved != "" {
		name, err = c.saved(ctx, f.Saved)
		if err != nil {
			return nil, "", err
		}
		ctx, cancel := context.WithTimeout(ctx, TraceReadTime)
		defer cancel()
		data, err = c.do(ctx, http.MethodGet, "/debug/traces/"+url.PathEscape(name), nil, 2*flight.MaxTraceBytes)
		return data, name, err
	}
	query, took := url.Values{}, f.For
	if took == 0 && f.explains() {
		took = defaultRecord
	}
	if took > 0 {
		query.Set("seconds", strconv.FormatFloat(took.Seconds(), 'f', -1, 64))
		query.Set("cpu", "1")
	}
	name = "gameserver-" + time.Now().Format("20060102-150405") + flight.TraceExt
	ctx, cancel := context.WithTimeout(ctx, took+TraceReadTime)
	defer cancel()
	data, err = c.do(ctx, http.MethodPost, "/debug/trace", query, 2*flight.MaxTraceBytes)
	return data, name, err
}

// defaultRecord is how long slow ticks are waited for.
const defaultRecord = 10 * time.Second

// saved returns the file of a saved trace.
func (c *adminClient) saved(ctx context.Context, name string) (string, error) {
	if name != "last" {
		return strings.TrimSuffix(name, flight.TraceExt) + flight.TraceExt, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	raw, err := c.do(ctx, http.MethodGet, "/debug/traces", nil, maxAccount)
	if err != nil {
		return "", err
	}
	var list traceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", c.stranger("200 OK")
	}
	for _, s := range list.Saves {
		if s.TraceBytes > 0 {
			return s.Name + flight.TraceExt, nil
		}
	}
	if !list.On {
		return "", fmt.Errorf("the server saves no traces: %s", noRecorder)
	}
	return "", fmt.Errorf("the server has saved no trace yet: no tick was late or long enough (--trace-over)")
}

// readIn reads a trace from a file.
func readIn(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the user's own
	if err != nil {
		return nil, usageError{fmt.Errorf("--in: %w", err)}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, 2*flight.MaxTraceBytes+1))
	if err != nil {
		return nil, usageError{fmt.Errorf("--in: %w", err)}
	}
	if len(data) > 2*flight.MaxTraceBytes {
		return nil, usage("--in %s: larger than %d MB", name, 2*flight.MaxTraceBytes>>20)
	}
	return data, nil
}

// writeOut writes a file, or to standard output.
func writeOut(name string, data []byte, stdout io.Writer) error {
	if name == "-" {
		_, err := stdout.Write(data)
		return err
	}
	if err := os.WriteFile(name, data, 0o600); err != nil { // it may hold names of players
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	return nil
}
