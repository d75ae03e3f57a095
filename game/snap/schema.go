package snap

import "fmt"

// Kind is what a replicated field is on the wire.
type Kind uint8

// The kinds.
const (
	KindInt   Kind = iota // signed, 32 bits
	KindUint              // unsigned, 32 bits
	KindBool              // true or false
	KindFloat             // signed, 32 bits, in steps of the field's quantum
)

// String returns the kind as the schema spells it.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return "?"
	}
	return kindNames[k : k+1]
}

const kindNames = "iubf"

// Field is one replicated field.
type Field struct {
	Name    string
	Kind    Kind
	Quantum float64 // of KindFloat, else 0
}

// Value converts the quantised value of a field to its natural one.
func (f Field) Value(q int32) float64 {
	switch f.Kind {
	case KindFloat:
		return float64(q) * f.Quantum
	case KindUint:
		return float64(uint32(q))
	case KindInt, KindBool:
	}
	return float64(q)
}

// Set is one replicated set. Its number on the wire is its place in the Schema.
type Set struct {
	Name   string
	Fields []Field
}

// Schema says what the elements of a snapshot mean.
type Schema struct{ Sets []Set }

// Wire is a Schema as the schema event carries it, for any encoder that knows
// json tags.
type Wire struct {
	V    int       `json:"v"`
	Sets []WireSet `json:"sets"`
}

// WireSet is a Set in a Wire. Each field is [name, kind, quantum].
type WireSet struct {
	Name   string  `json:"name"`
	Fields [][]any `json:"fields"`
}

// Version is the version of the schema event.
const Version = 1

// Wire returns the schema in the form of the schema event.
func (s Schema) Wire() Wire {
	w := Wire{V: Version, Sets: make([]WireSet, len(s.Sets))}
	for i, set := range s.Sets {
		w.Sets[i] = WireSet{Name: set.Name, Fields: make([][]any, len(set.Fields))}
		for j, f := range set.Fields {
			w.Sets[i].Fields[j] = []any{f.Name, f.Kind.String(), f.Quantum}
		}
	}
	return w
}

// Schema reads a received schema event, which may be anything.
func (w Wire) Schema() (Schema, error) {
	if w.V != Version {
		return Schema{}, fmt.Errorf("snap: schema version %d, want %d", w.V, Version)
	}
	if len(w.Sets) > SetsMax {
		return Schema{}, fmt.Errorf("snap: schema of %d sets, more than %d", len(w.Sets), SetsMax)
	}
	s := Schema{Sets: make([]Set, len(w.Sets))}
	for i, set := range w.Sets {
		if len(set.Fields) > FieldsMax {
			return Schema{}, fmt.Errorf("snap: set %q has %d fields, more than %d", set.Name, len(set.Fields), FieldsMax)
		}
		s.Sets[i] = Set{Name: set.Name, Fields: make([]Field, len(set.Fields))}
		for j, wire := range set.Fields {
			f, err := parseField(wire)
			if err != nil {
				return Schema{}, fmt.Errorf("snap: set %q, field %d: %w", set.Name, j, err)
			}
			s.Sets[i].Fields[j] = f
		}
	}
	return s, nil
}

func parseField(wire []any) (Field, error) {
	if len(wire) != 3 {
		return Field{}, fmt.Errorf("%d parts, want 3", len(wire))
	}
	name, ok := wire[0].(string)
	if !ok {
		return Field{}, fmt.Errorf("the name is %T", wire[0])
	}
	kind, ok := wire[1].(string)
	if !ok {
		return Field{}, fmt.Errorf("the kind is %T", wire[1])
	}
	quantum, ok := number(wire[2])
	if !ok {
		return Field{}, fmt.Errorf("the quantum is %T", wire[2])
	}
	for k := range Kind(len(kindNames)) {
		if k.String() == kind {
			if k == KindFloat && (!(quantum > 0) || quantum > QuantumMax) {
				return Field{}, fmt.Errorf("the quantum is %v", quantum)
			}
			return Field{Name: name, Kind: k, Quantum: quantum}, nil
		}
	}
	return Field{}, fmt.Errorf("unknown kind %q", kind)
}

// number accepts whatever number type a decoder chose.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case float32:
		return float64(n), true
	case int:
		return float64(n), true
	case int8:
		return float64(n), true
	case int16:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint8:
		return float64(n), true
	case uint16:
		return float64(n), true
	case uint32:
		return float64(n), true
	case uint64:
		return float64(n), true
	}
	return 0, false
}
