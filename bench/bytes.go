package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"gameserver/bench/tape"
	"gameserver/bench/workload"
)

// bytesCmd compares sizes on the wire, without sockets.
type bytesCmd struct {
	Workloads []string      `default:"w1@20,w1@60,w2@60,w2@20,w3@20" placeholder:"NAME@HZ" help:"Workloads and snapshots a second (${default})."`
	Time      time.Duration `default:"10s" help:"How much of each to play, in its own time (${default})."`
	Players   int           `help:"Players of w2; its own number if 0."`
	Full      bool          `help:"Everybody sees everything, in w2 and w3, too."`
	Bands     bool          `default:"true" negatable:"" help:"Play w2 and w3 once more with what is far refreshed less often."`
	Colyseus  bool          `default:"true" negatable:"" help:"Ask @colyseus/schema, too, which needs Node."`
	JSON      string        `name:"json" placeholder:"FILE" help:"Write the table as JSON, too."`
}

// bytesRow is one line of the table: what one player is sent.
type bytesRow struct {
	Workload    string  `json:"workload"`
	Encoding    string  `json:"encoding"`
	PerSecond   float64 `json:"bytesPerSecond"`
	PerSnapshot float64 `json:"bytesPerSnapshot"`
	Checked     int     `json:"checked"` // snapshots decoded and held against the scene
}

type bytesReport struct {
	Command string     `json:"command"`
	Rows    []bytesRow `json:"rows"`
	Notes   []string   `json:"notes"`
}

// Run plays every workload in every encoding.
func (o *bytesCmd) Run(ctx context.Context) error {
	if o.Time < time.Second || o.Time > playMax {
		return fmt.Errorf("--time must be 1 s to %v", playMax)
	}
	r := bytesReport{Command: commandLine()}
	var rival *rivalSchema
	if o.Colyseus {
		var err error
		if rival, err = openRival(ctx); err != nil {
			r.Notes = append(r.Notes, "no @colyseus/schema: "+err.Error())
		}
	}
	for _, name := range o.Workloads {
		spec, err := o.spec(name)
		if err == nil {
			n := int(o.Time.Seconds() * float64(spec.Send))
			err = errors.Join(r.add(ctx, name, spec, n, rival), r.addBands(ctx, name, spec, n, o.Bands))
		}
		if ctx.Err() != nil {
			r.Notes = append(r.Notes, "interrupted")
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r.print(os.Stdout)
	return saveJSON(o.JSON, r)
}

// spec reads NAME@HZ.
func (o *bytesCmd) spec(name string) (workload.Spec, error) {
	kind, rate, _ := strings.Cut(name, "@")
	send, players := 0, 0
	if rate != "" {
		if _, err := fmt.Sscan(rate, &send); err != nil {
			return workload.Spec{}, fmt.Errorf("%q is no rate", rate)
		}
	}
	if kind == "w2" {
		players = o.Players
	}
	spec, err := workload.Named(kind, players, send)
	if o.Full {
		spec.Radius = 0
	}
	return spec, err
}

// add records one workload in each dialect; what its players see in our own is
// what the others are then made of.
func (r *bytesReport) add(ctx context.Context, name string, spec workload.Spec, n int, rival *rivalSchema) error {
	var naive, checked int
	var scene *sceneFile
	if rival != nil {
		var err error
		if scene, err = newSceneFile(spec, n); err != nil {
			return err
		}
		defer scene.remove()
	}
	for _, d := range tape.Dialects {
		first := d == tape.Dialects[0]
		checked = 0
		o := tape.Options{Spec: spec, Dialect: d, Snapshots: n, Sample: sampleMax}
		o.Each = func(f *tape.Frame) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			checked += len(f.Seats)
			if !first {
				return nil
			}
			naive += naiveBytes(f)
			return scene.write(f)
		}
		t, err := tape.Record(o)
		if err != nil {
			return err
		}
		if d == tape.JSON {
			checked = 0 // only their sizes are known
		}
		r.row(name, spec, string(d), t.PerSecond(), checked)
	}
	frames := float64(n * min(sampleMax, spec.Players))
	r.row(name, spec, "naive JSON over Socket.IO", float64(naive)/frames*float64(spec.Send), 0)
	if rival == nil {
		return nil
	}
	perSnapshot, checked, err := rival.measure(ctx, scene)
	if err != nil {
		return err
	}
	r.row(name, spec, "@colyseus/schema", perSnapshot*float64(spec.Send), checked)
	return nil
}

// addBands records one workload again with what is far refreshed less often: not
// what the others send, but what players need.
func (r *bytesReport) addBands(ctx context.Context, name string, spec workload.Spec, n int, wanted bool) error {
	if !wanted || spec.Radius == 0 {
		return nil
	}
	spec.Bands = true
	checked := 0
	t, err := tape.Record(tape.Options{Spec: spec, Dialect: tape.Dialects[0], Snapshots: n, Sample: sampleMax, Each: func(f *tape.Frame) error {
		checked += len(f.Seats)
		return ctx.Err()
	}})
	if err != nil {
		return err
	}
	r.row(name, spec, string(tape.Dialects[0])+", far less often", t.PerSecond(), checked)
	return nil
}

func (r *bytesReport) row(name string, spec workload.Spec, encoding string, perSecond float64, checked int) {
	r.Rows = append(r.Rows, bytesRow{
		Workload: name, Encoding: encoding, PerSecond: perSecond,
		PerSnapshot: perSecond / float64(spec.Send), Checked: checked,
	})
}

// naiveBytes is what a server would send that writes the objects it has, with
// doubles, to each player of the sample.
func naiveBytes(f *tape.Frame) int {
	type object struct {
		ID    uint32  `json:"id"`
		X     float64 `json:"x"`
		Y     float64 `json:"y"`
		Angle float64 `json:"angle"`
		HP    uint8   `json:"hp"`
		Anim  uint8   `json:"anim"`
	}
	total := 0
	sizes := make([]int, len(f.Bodies)) // an entity's object is as long for every player
	for _, s := range f.Seats {
		const around = len(`4` + `2/match,["snapshot",[` + `]]`)
		n := around + max(len(s.Visible)-1, 0)
		for _, id := range s.Visible {
			if sizes[id-1] == 0 {
				b := &f.Bodies[id-1]
				text, _ := json.Marshal(object{id, b.X, b.Y, b.Radians(), b.HP, b.Anim}) // numbers always encode
				sizes[id-1] = len(text)
			}
			n += sizes[id-1]
		}
		total += tape.FrameBytes(n)
	}
	return total
}

// print writes the table: each encoding beside our compact dialect.
func (r *bytesReport) print(w io.Writer) {
	ours := map[string]float64{}
	for _, row := range r.Rows {
		if row.Encoding == string(tape.Dialects[0]) {
			ours[row.Workload] = row.PerSecond
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tworkload\tencoding\tB/s per player\tkbit/s\tB/snapshot\ttimes compact\tchecked\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "\t%s\t%s\t%.0f\t%.1f\t%.1f\t%.2f\t%d\t\n", row.Workload, row.Encoding, row.PerSecond,
			row.PerSecond*8/1000, row.PerSnapshot, row.PerSecond/ours[row.Workload], row.Checked)
	}
	_ = t.Flush()
	fmt.Fprintln(w, "\nDownstream, WebSocket frames and packets around the snapshots included, TCP/IP and")
	fmt.Fprintln(w, "joining not. Counted, not timed: the same in every run. Checked snapshots were decoded")
	fmt.Fprintln(w, "and what the player then sees was that moment of the scene.")
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
}

// saveJSON writes a report, if a file was asked for.
func saveJSON(name string, v any) error {
	if name == "" {
		return nil
	}
	b, err := json.MarshalIndent(v, "", "  ")
	return errors.Join(err, os.WriteFile(name, append(b, '\n'), 0o644))
}
