package tick

import (
	"context"
	"runtime/metrics"
	"runtime/pprof"
	"runtime/trace"
)

// labels are the pprof labels of one entry, made when they are first wanted.
type labels struct {
	phases [NumPhases + 1]context.Context
	region string // of the whole tick
}

func newLabels(name string) *labels {
	l := &labels{region: "tick " + name}
	for p := range l.phases {
		l.phases[p] = pprof.WithLabels(context.Background(),
			pprof.Labels("match", name, "phase", Phase(p).String()))
	}
	return l
}

// marks make a tick visible to the execution tracer and to the profilers.
type marks struct {
	on     bool
	labels *labels // nil: none
	task   *trace.Region
	region *trace.Region
	name   string // of region
	allocs [2]metrics.Sample
	counts bool
}

// open is called when the tick begins. Switched off it costs two loads.
func (t *Tick) open(e *Entry) {
	m := &t.marks
	if e.allocs.Load() {
		m.counts = true
		m.allocs[0].Name, m.allocs[1].Name = "/gc/heap/allocs:objects", "/gc/heap/allocs:bytes"
		metrics.Read(m.allocs[:])
	}
	tracing := trace.IsEnabled()
	if !tracing && !e.s.labelled.Load() {
		return
	}
	if e.labels == nil {
		e.labels = newLabels(e.name)
	}
	m.on, m.labels = true, e.labels
	pprof.SetGoroutineLabels(m.labels.phases[NumPhases])
	if tracing {
		m.task = trace.StartRegion(context.Background(), m.labels.region)
	}
}

func (m *marks) begin(p Phase) {
	p = min(p, NumPhases)
	pprof.SetGoroutineLabels(m.labels.phases[p])
	name := regionOf(p)
	if name == m.name {
		return
	}
	if m.region != nil {
		m.region.End()
		m.region = nil
	}
	m.name = name
	if m.task != nil && p < NumPhases {
		m.region = trace.StartRegion(context.Background(), name)
	}
}

// regionOf names the trace region of a phase. A region costs a microsecond or two,
// and a match goes to and fro between splice and write for each of its players:
// they share one.
func regionOf(p Phase) string {
	if p == PhaseSplice || p == PhaseWrite {
		return "send"
	}
	return p.String()
}

// shut is called when the tick has ended, also by a panic.
func (t *Tick) shut() {
	m := &t.marks
	if m.on {
		if m.region != nil {
			m.region.End()
		}
		if m.task != nil {
			m.task.End()
		}
		pprof.SetGoroutineLabels(context.Background())
		*m = marks{allocs: m.allocs, counts: m.counts}
	}
}

// allocated returns what was allocated since open.
func (m *marks) allocated() (objects, bytes uint64) {
	if !m.counts {
		return 0, 0
	}
	m.counts = false
	before := [2]uint64{m.allocs[0].Value.Uint64(), m.allocs[1].Value.Uint64()}
	metrics.Read(m.allocs[:])
	return m.allocs[0].Value.Uint64() - before[0], m.allocs[1].Value.Uint64() - before[1]
}
