package snap

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

func testSchema() Schema {
	return Schema{Sets: []Set{
		{Name: "ships", Fields: []Field{
			{Name: "x", Kind: KindFloat, Quantum: 0.1}, {Name: "hp", Kind: KindUint}, {Name: "dx", Kind: KindInt}, {Name: "up", Kind: KindBool},
		}},
		{Name: "empty", Fields: []Field{}},
	}}
}

func TestSchemaOnTheWire(t *testing.T) {
	text, err := json.Marshal(testSchema().Wire())
	require.NoError(t, err)
	require.JSONEq(t, `{"v":1,"sets":[
		{"name":"ships","fields":[["x","f",0.1],["hp","u",0],["dx","i",0],["up","b",0]]},
		{"name":"empty","fields":[]}]}`, string(text))
	var w Wire
	require.NoError(t, json.Unmarshal(text, &w))
	s, err := w.Schema()
	require.NoError(t, err)
	require.Equal(t, testSchema(), s)

	raw, err := msgpack.Marshal(map[string]any{"v": 1, "sets": []any{
		map[string]any{"name": "ships", "fields": []any{[]any{"x", "f", float32(0.5)}, []any{"n", "i", int8(0)}}},
	}})
	require.NoError(t, err)
	d := msgpack.NewDecoder(bytes.NewReader(raw))
	d.SetCustomStructTag("json")
	w = Wire{}
	require.NoError(t, d.Decode(&w))
	s, err = w.Schema()
	require.NoError(t, err)
	require.Equal(t, 0.5, s.Sets[0].Fields[0].Quantum)
}

func TestSchemaRefusals(t *testing.T) {
	one := func(f ...any) Wire { return Wire{V: 1, Sets: []WireSet{{Name: "s", Fields: [][]any{f}}}} }
	many := make([][]any, FieldsMax+1)
	for i := range many {
		many[i] = []any{"x", "i", 0}
	}
	for want, w := range map[string]Wire{
		"snap: schema version 2, want 1":                {V: 2},
		"snap: schema of 65 sets, more than 64":         {V: 1, Sets: make([]WireSet, SetsMax+1)},
		`snap: set "s" has 32 fields, more than 31`:     {V: 1, Sets: []WireSet{{Name: "s", Fields: many}}},
		`snap: set "s", field 0: 2 parts, want 3`:       one("x", "i"),
		`snap: set "s", field 0: the name is int`:       one(1, "i", 0),
		`snap: set "s", field 0: the kind is int`:       one("x", 1, 0),
		`snap: set "s", field 0: the quantum is string`: one("x", "i", "0"),
		`snap: set "s", field 0: the quantum is 0`:      one("x", "f", 0),
		`snap: set "s", field 0: the quantum is 2e+06`:  one("x", "f", 2e6),
		`snap: set "s", field 0: unknown kind "q"`:      one("x", "q", 0),
		`snap: set "s", field 0: unknown kind "iu"`:     one("x", "iu", 0),
	} {
		_, err := w.Schema()
		require.EqualError(t, err, want)
	}
	_, err := Wire{V: 1, Sets: []WireSet{{Name: "s", Fields: many[:FieldsMax]}}}.Schema()
	require.NoError(t, err)
	_, err = Wire{V: 1, Sets: make([]WireSet, SetsMax)}.Schema()
	require.NoError(t, err)
}

func TestFieldValue(t *testing.T) {
	require.Equal(t, -2.5, Field{Kind: KindFloat, Quantum: 0.5}.Value(-5))
	require.Equal(t, 4294967295.0, Field{Kind: KindUint}.Value(-1))
	require.Equal(t, -1.0, Field{Kind: KindInt}.Value(-1))
	require.Equal(t, 1.0, Field{Kind: KindBool}.Value(1))
	require.Equal(t, "?", Kind(9).String())
}
