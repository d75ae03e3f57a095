package snap

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenFile is one file in testdata/golden: a schema, and snapshots in the
// order in which a client gets them, with what it holds after each. Decoders in
// other languages are held to the same files.
type goldenFile struct {
	About  string       `json:"about"`
	Schema Wire         `json:"schema"`
	Steps  []goldenStep `json:"steps"`
}

type goldenStep struct {
	About    string       `json:"about"`
	Snapshot string       `json:"snapshot"`          // hex: what is in the bin of the event s
	Refused  string       `json:"refused,omitempty"` // why; the client holds nothing then
	Head     *goldenHead  `json:"head,omitempty"`    //
	Events   []string     `json:"events,omitempty"`  // hex, msgpack
	State    *goldenState `json:"state,omitempty"`   //
}

type goldenHead struct {
	Tick    uint32 `json:"tick"`
	Base    uint32 `json:"base"`
	Ack     uint32 `json:"ack"`
	Lead    int32  `json:"lead"`
	Late    uint32 `json:"late"`
	Every   uint8  `json:"every"`
	Level   uint8  `json:"level"`
	Checked bool   `json:"checked"`
}

// goldenState is what a client holds. Entities are [id, set, [values]] by
// ascending id, the values quantised as in the plain dialect, with booleans as
// 0 and 1.
type goldenState struct {
	Entities [][]any `json:"entities"`
	Own      []any   `json:"own"` // [set, [values]], [] for none
	Checksum uint32  `json:"checksum"`
}

// golden makes one golden file with the encoder and the Go decoder.
type golden struct {
	*sea
	t      *testing.T
	p      *swimmer
	file   goldenFile
	events [][]byte
	head   Head
}

func newGolden(t *testing.T, about string) *golden {
	t.Helper()
	s := newSea(t)
	g := &golden{sea: s, t: t, p: &swimmer{enc: Compact, mirror: NewMirror(s.schema)}}
	g.file = goldenFile{About: about, Schema: s.schema.Wire(), Steps: []goldenStep{}}
	g.head = Head{Every: 1}
	return g
}

// snap adds the snapshot of the next tick, and lets the link take it.
func (g *golden) snap(about string) {
	g.t.Helper()
	g.tick++
	g.number++
	g.world.Diff(g.tick, g.number)
	g.take(about, g.make())
}

// make makes the snapshot of this tick.
func (g *golden) make() []byte {
	g.t.Helper()
	h := g.head
	for _, e := range g.events {
		h.Events = AppendEvent(h.Events, e)
		h.EventCount++
	}
	g.events = nil
	blob, rest, err := msgp.ReadBytesZC(g.world.Append(nil, &g.p.view, Compact, h))
	require.NoError(g.t, err)
	require.Empty(g.t, rest)
	g.world.Accept(&g.p.view)
	return blob
}

// pass lets ticks pass in which the client is sent nothing.
func (g *golden) pass(ticks, snapshots uint32) {
	for range snapshots {
		g.tick++
		g.number++
		g.world.Diff(g.tick, g.number)
	}
	g.tick += ticks - snapshots
}

// take adds a snapshot that the client is to apply.
func (g *golden) take(about string, blob []byte) {
	g.t.Helper()
	step := goldenStep{About: about, Snapshot: hex.EncodeToString(blob)}
	require.NoError(g.t, g.p.mirror.Events(blob, func(e []byte) error {
		step.Events = append(step.Events, hex.EncodeToString(e))
		return nil
	}))
	s, err := g.p.mirror.ApplyCompact(blob)
	require.NoError(g.t, err, about)
	step.Head = &goldenHead{s.Tick, s.Base, s.Ack, s.Lead, s.Late, s.Every, s.Level, s.Checked}
	step.State = stateOf(g.p.mirror)
	g.file.Steps = append(g.file.Steps, step)
}

// refuse adds a snapshot that must be refused.
func (g *golden) refuse(about string, want string, blob []byte) {
	g.t.Helper()
	_, err := g.p.mirror.ApplyCompact(blob)
	require.ErrorIs(g.t, err, ErrSnapshot, about)
	require.ErrorContains(g.t, err, want, about)
	require.Zero(g.t, g.p.mirror.Len())
	g.file.Steps = append(g.file.Steps, goldenStep{About: about, Snapshot: hex.EncodeToString(blob), Refused: want})
}

func stateOf(m *Mirror) *goldenState {
	s := &goldenState{Entities: [][]any{}, Own: []any{}, Checksum: m.Checksum()}
	for set := range m.Schema().Sets {
		for row := range m.Count(set) {
			id, values := m.At(set, row)
			s.Entities = append(s.Entities, []any{id, set, naturals(m.Schema().Sets[set].Fields, values)})
		}
	}
	slices.SortFunc(s.Entities, func(a, b []any) int { return cmp.Compare(a[0].(uint32), b[0].(uint32)) })
	if set, values, ok := m.Own(); ok {
		s.Own = []any{set, naturals(m.Schema().Sets[set].Own, values)}
	}
	return s
}

func naturals(fields []Field, values []int32) []int64 {
	list := make([]int64, len(values))
	for i, v := range values {
		list[i] = int64(v)
		if fields[i].Kind == KindUint {
			list[i] = int64(uint32(v))
		}
	}
	return list
}

// TestGoldenFiles holds the encoder and the decoder to the files. With -update
// it writes them.
func TestGoldenFiles(t *testing.T) {
	makers := map[string]func(*testing.T) *golden{
		"kinds": goldenKinds, "ids": goldenIDs, "membership": goldenMembership, "cadence": goldenCadence,
		"budget": goldenBudget, "resume": goldenResume, "own": goldenOwn, "events": goldenEvents,
		"storm": goldenStorm, "head": goldenHeads, "checksum": goldenChecksums, "refused": goldenRefusals,
	}
	dir := filepath.Join("testdata", "golden")
	if *update {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	for _, name := range found {
		require.Contains(t, makers, strings.TrimSuffix(filepath.Base(name), ".json"))
	}
	for name, maker := range makers {
		t.Run(name, func(t *testing.T) {
			want := maker(t).file.encode(t)
			file := filepath.Join(dir, name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, want, 0o644))
			}
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got), "%s is stale: go test ./game/snap -run TestGoldenFiles -update", file)
			replayGolden(t, got)
		})
	}
}

// encode writes a step a line, so that differences can be read.
func (f goldenFile) encode(t *testing.T) []byte {
	t.Helper()
	schema, err := json.Marshal(f.Schema)
	require.NoError(t, err)
	about, err := json.Marshal(f.About)
	require.NoError(t, err)
	var b bytes.Buffer
	b.WriteString("{\"about\":" + string(about) + ",\n\"schema\":" + string(schema) + ",\n\"steps\":[\n")
	for i, s := range f.Steps {
		line, err := json.Marshal(s)
		require.NoError(t, err)
		b.Write(line)
		if i < len(f.Steps)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

// replayGolden does with a file what a decoder in any language is to do.
func replayGolden(t *testing.T, text []byte) {
	t.Helper()
	var f goldenFile
	require.NoError(t, json.Unmarshal(text, &f))
	schema, err := f.Schema.Schema()
	require.NoError(t, err)
	m := NewMirror(schema)
	for _, step := range f.Steps {
		blob, err := hex.DecodeString(step.Snapshot)
		require.NoError(t, err)
		_, err = m.ApplyCompact(blob)
		if step.Refused != "" {
			require.ErrorContains(t, err, step.Refused, step.About)
			require.Zero(t, m.Len())
			continue
		}
		require.NoError(t, err, step.About)
		want, err := json.Marshal(step.State)
		require.NoError(t, err)
		got, err := json.Marshal(stateOf(m))
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got), step.About)
	}
}
