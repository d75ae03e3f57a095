package server

import (
	"math"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"gameserver/game/match"
	"gameserver/tick"
)

// metrics is everything that /metrics tells. Counters that other packages keep
// are read when they are asked for; hooks only add to counters.
type metrics struct {
	registry *prometheus.Registry
	refused  *prometheus.CounterVec
	over     *prometheus.CounterVec
	seats    *prometheus.CounterVec
	closed   *prometheus.CounterVec
	levels   *prometheus.CounterVec
	acts     *prometheus.CounterVec

	mu    sync.Mutex                       // guards pairs
	pairs map[[2]string]prometheus.Counter // of refused, at most MaxRefusals
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		pairs:    make(map[[2]string]prometheus.Counter),
		refused:  counterVec("gs_refused_total", "Refusals by layer and reason.", "layer", "reason"),
		over:     counterVec("gs_matches_over_total", "Matches that are over, by game and reason.", "game", "reason"),
		seats:    counterVec("gs_seat_transitions_total", "Changes of seats.", "from", "to"),
		closed:   counterVec("gs_seat_closed_total", "Match sockets ended by their match, by reason.", "reason"),
		levels:   counterVec("gs_match_level_changes_total", "Changes of how far matches are asked to reduce their work.", "from", "to"),
		acts:     counterVec("gs_ops_actions_total", "What operators did on the dashboard, by what became of it.", "action", "result"),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.refused, m.over, m.seats, m.closed, m.levels, m.acts,
	)
	return m
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// refuse counts a refusal. It is the hook of every layer: any goroutine, no
// blocking, and a bounded number of labels whatever comes in.
func (m *metrics) refuse(layer, reason string) {
	m.refusal(layer, reason).Inc()
}

func (m *metrics) refusal(layer, reason string) prometheus.Counter {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.pairs[[2]string{layer, reason}]
	if c != nil {
		return c
	}
	if len(m.pairs) >= MaxRefusals {
		layer, reason = "other", "other"
	}
	c = m.refused.WithLabelValues(layer, reason)
	m.pairs[[2]string{layer, reason}] = c
	return c
}

func (m *metrics) matchOver(game, reason string) { m.over.WithLabelValues(game, reason).Inc() }
func (m *metrics) seat(from, to string)          { m.seats.WithLabelValues(from, to).Inc() }
func (m *metrics) level(from, to string)         { m.levels.WithLabelValues(from, to).Inc() }
func (m *metrics) seatClosed(reason string)      { m.closed.WithLabelValues(reason).Inc() }

// observe adds what the parts of a started server count themselves.
func (m *metrics) observe(s *Server) {
	m.registry.MustRegister(&census{s: s})
}

// census collects the counters of the parts, one reading each.
type census struct{ s *Server }

// Describe implements prometheus.Collector: unchecked, the names are below.
func (c *census) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *census) Collect(ch chan<- prometheus.Metric) {
	w := writer{ch}
	c.connections(w)
	c.lobby(w)
	c.matches(w)
	c.ticks(w)
	c.traces(w)
	o := c.s.ops.Stats()
	w.gauge("gs_ops_watchers", "Pages that are connected to the dashboard.", float64(o.Watchers))
	w.counter("gs_ops_readings_total", "Readings of all accounts for the dashboard, which are taken only while it is watched.", float64(o.Readings))
}

func (c *census) connections(w writer) {
	e := c.s.io.Engine().Stats()
	w.gauge("gs_conns", "Open connections by transport.", float64(e.WebSocket), "state", "websocket")
	w.gauge("gs_conns", "Open connections by transport.", float64(e.Polling), "state", "polling")
	w.counter("gs_handshakes_total", "Connections opened.", float64(e.Opened))
	w.counter("gs_upgrades_total", "Connections that moved from polling to WebSocket.", float64(e.Upgrades))
	w.counter("gs_packets_total", "Engine.IO messages.", float64(e.PacketsIn), "direction", "in")
	w.counter("gs_packets_total", "Engine.IO messages.", float64(e.PacketsOut), "direction", "out")
	w.counter("gs_bytes_total", "Bytes of frames and bodies.", float64(e.BytesIn), "direction", "in")
	w.counter("gs_bytes_total", "Bytes of frames and bodies.", float64(e.BytesOut), "direction", "out")
	w.gauge("gs_out_queue_bytes", "Bytes that wait to be written, all connections.", float64(e.OutboxBytes))
	w.counter("gs_slow_closed_total", "Connections closed because they did not read.", float64(e.SlowConsumers))
	w.counter("gs_panics_total", "Panics that were contained.", float64(e.Panics), "where", "engine")
	i := c.s.io.Stats()
	w.gauge("gs_sockets", "Connected sockets of all namespaces.", float64(i.Sockets))
	w.counter("gs_joined_total", "Namespaces joined.", float64(i.Joined))
	w.counter("gs_events_in_total", "Events from clients.", float64(i.Events))
	w.counter("gs_events_unknown_total", "Events that nobody listens to.", float64(i.Unknown))
	w.counter("gs_bad_payloads_total", "Events whose argument did not fit.", float64(i.BadPayloads))
	w.counter("gs_panics_total", "Panics that were contained.", float64(i.Panics), "where", "handler")
	ready := 0.0
	if c.s.ready.Load() {
		ready = 1
	}
	w.gauge("gs_ready", "1 while new players are welcome.", ready)
}

func (c *census) lobby(w writer) {
	l := c.s.lobby.Stats()
	w.gauge("gs_players", "Players the lobby knows.", float64(l.Attached), "state", "attached")
	w.gauge("gs_players", "Players the lobby knows.", float64(l.Players-l.Attached), "state", "detached")
	waiting := 0
	for queue, n := range l.Searching {
		waiting += n
		w.gauge("gs_queue_tickets", "Tickets that search, by queue.", float64(n), "queue", queue)
	}
	w.gauge("gs_lobby_tickets", "Live tickets by state.", float64(waiting), "state", "searching")
	w.gauge("gs_lobby_tickets", "Live tickets by state.", float64(l.Offered), "state", "offered")
	w.counter("gs_tickets_total", "Tickets by how they ended.", float64(l.Seated), "state", "seated")
	w.counter("gs_tickets_total", "Tickets by how they ended.", float64(l.Cancelled), "state", "cancelled")
	w.counter("gs_tickets_requeued_total", "Tickets that went back to searching.", float64(l.Requeued))
	w.counter("gs_matches_made_total", "Matches made.", float64(l.Made))
	w.gauge("gs_lobby_pending", "Notifications not yet delivered.", float64(l.Pending))
}

func (c *census) matches(w writer) {
	live, sum := c.s.matches.census()
	for _, game := range c.s.order {
		w.gauge("gs_matches", "Live matches.", float64(live[game]), "game", game)
	}
	w.counter("gs_inputs_total", "Inputs accepted.", float64(sum.Inputs))
	w.counter("gs_inputs_late_total", "Inputs accepted after their tick.", float64(sum.Late))
	const rejected = "Inputs that were not taken, by reason."
	w.counter("gs_input_rejected_total", rejected, float64(sum.Early), "why", "early")
	w.counter("gs_input_rejected_total", rejected, float64(sum.Repeated), "why", "repeated")
	w.counter("gs_input_rejected_total", rejected, float64(sum.Bad), "why", "bad")
	w.counter("gs_input_rejected_total", rejected, float64(sum.InboxFull), "why", "inbox_full")
	w.counter("gs_input_rejected_total", rejected, float64(sum.Rate), "why", "rate")
	w.counter("gs_input_views_refused_total", "Inputs whose players cannot have seen what they claim.", float64(sum.Views))
	w.counter("gs_stale_epoch_total", "Messages of connections that were replaced.", float64(sum.StaleEpoch))
	w.counter("gs_requests_total", "Requests to games.", float64(sum.Requests))
	w.counter("gs_snapshots_total", "Snapshots by whether the socket took them.", float64(sum.Snapshots), "result", "sent")
	w.counter("gs_snapshots_total", "Snapshots by whether the socket took them.", float64(sum.SnapshotsRefused), "result", "refused")
	w.counter("gs_snapshots_total", "Snapshots by whether the socket took them.", float64(sum.SnapshotsHeld), "result", "held")
	for state, n := range sum.Paces {
		w.gauge("gs_paces", "Connections to matches by how they keep up with snapshots.", float64(n),
			"state", match.PaceState(state).String())
	}
	w.counter("gs_snapshot_bytes_total", "Bytes of snapshots sent.", float64(sum.SnapshotBytes))
	w.counter("gs_events_total", "Events of games sent, one for each receiver.", float64(sum.Events))
	w.counter("gs_out_dropped_total", "What a closing connection did not take.", float64(sum.EventsRefused), "kind", "event")
}

func (c *census) ticks(w writer) {
	t := c.s.ticks.Stats()
	w.counter("gs_ticks_total", "Ticks run.", float64(t.Ticks))
	w.counter("gs_ticks_expected_total", "Ticks that were due.", float64(t.Expected))
	w.counter("gs_ticks_on_time_total", "Ticks that finished before the next one was due.", float64(t.OnTime))
	w.counter("gs_ticks_late_total", "Ticks that began late.", float64(t.Late))
	w.counter("gs_ticks_catch_up_total", "Ticks run to catch up.", float64(t.CatchUps))
	w.counter("gs_ticks_skipped_total", "Ticks given up.", float64(t.Skipped))
	w.counter("gs_tick_heavy_total", "Ticks that took more than half of their period.", float64(t.Heavy))
	w.counter("gs_tick_overrun_total", "Ticks that took more than their period.", float64(t.Overruns))
	w.counter("gs_tick_panics_total", "Matches ended by the scheduler because of a panic.", float64(t.Panics))
	w.counter("gs_tick_wakes_total", "Times a tick worker slept and woke.", float64(t.Wakes))
	w.counter("gs_tick_stalls_total", "Ticks that did not return within the watchdog's time.", float64(t.Stalls))
	w.gauge("gs_tick_realtime_workers", "Workers under real-time priority.", float64(t.Realtime))
	w.gauge("gs_tick_stuck", "Of those, the ones that have not returned yet.", float64(t.Stuck))
	w.counter("gs_tick_refused_total", "Matches that no worker had time for.", float64(t.Refused))
	w.counter("gs_tick_steals_total", "Ticks run by another worker because theirs was busy.", float64(t.Steals))
	levels := make(map[string]int)
	for _, e := range c.s.ticks.Entries() {
		levels[e.Stats().Level.String()]++
	}
	for level, n := range levels {
		w.gauge("gs_match_levels", "Matches by how far they are asked to reduce their work.", float64(n), "level", level)
	}
	for cause := range tick.NumCauses {
		w.counter("gs_tick_late_seconds_total", "Why ticks began late.", t.Causes.Late[cause].Seconds(), "cause", cause.String())
	}
	w.gauge("gs_tick_workers", "Goroutines that run ticks.", float64(t.Workers))
	w.gauge("gs_tick_entries", "Matches being ticked.", float64(t.Entries))
	w.histogram("gs_tick_lateness_seconds", "How late ticks began.", t.Lateness)
	w.histogram("gs_tick_seconds", "How long ticks took.", t.Duration)
	for p := range tick.NumPhases {
		w.histogram("gs_tick_phase_seconds", "How long the phases of ticks took.", t.Phases[p], "phase", p.String())
	}
}

func (c *census) traces(w writer) {
	if c.s.flight == nil {
		return
	}
	t := c.s.flight.Stats()
	const help = "Late, long or stuck ticks that asked for a trace, by what came of it."
	w.counter("gs_traces_total", help, float64(t.Saved), "result", "saved")
	w.counter("gs_traces_total", help, float64(t.Suppressed), "result", "too_soon")
	w.counter("gs_traces_total", help, float64(t.QueueFull), "result", "queue_full")
	w.counter("gs_traces_total", help, float64(t.Failed), "result", "failed")
}

// writer sends single readings.
type writer struct{ ch chan<- prometheus.Metric }

func (w writer) gauge(name, help string, v float64, labels ...string) {
	w.value(prometheus.GaugeValue, name, help, v, labels)
}

func (w writer) counter(name, help string, v float64, labels ...string) {
	w.value(prometheus.CounterValue, name, help, v, labels)
}

// value sends one reading; labels are pairs of name and value.
func (w writer) value(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	w.ch <- prometheus.MustNewConstMetric(desc(name, help, labels), kind, v, odd(labels)...)
}

// histogram sends a histogram in the buckets of bucketBounds.
func (w writer) histogram(name, help string, h *tick.Histogram, labels ...string) {
	bounds := bucketBounds()
	counts := make([]uint64, len(bounds)+1)
	for upTo, n := range h.All() {
		i := 0
		for i < len(bounds) && upTo > bounds[i] {
			i++
		}
		counts[i] += n
	}
	buckets := make(map[float64]uint64, len(bounds))
	var total uint64
	for i, b := range bounds {
		total += counts[i]
		buckets[b.Seconds()] = total
	}
	total += counts[len(bounds)]
	w.ch <- prometheus.MustNewConstHistogram(desc(name, help, labels), total, h.Sum().Seconds(), buckets, odd(labels)...)
}

// bucketBounds returns 1 µs to 1.05 s in powers of two: 21 buckets.
func bucketBounds() []time.Duration {
	b := make([]time.Duration, 21)
	for i := range b {
		b[i] = time.Microsecond * time.Duration(math.Exp2(float64(i)))
	}
	return b
}

func desc(name, help string, labels []string) *prometheus.Desc {
	names := make([]string, 0, len(labels)/2)
	for i := 0; i < len(labels); i += 2 {
		names = append(names, labels[i])
	}
	return prometheus.NewDesc(name, help, names, nil)
}

func odd(labels []string) []string {
	values := make([]string, 0, len(labels)/2)
	for i := 1; i < len(labels); i += 2 {
		values = append(values, labels[i])
	}
	return values
}
