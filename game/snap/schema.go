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
	Own    []Field // of the player's own entity, for that player alone
	Cap    int     // most entities; 0: unknown
}

// Schema says what the elements of a snapshot mean.
type Schema struct{ Sets []Set }

// Wire is a Schema as the schema event carries it, for any encoder that knows
// json tags.
type Wire struct {
	V    int       `json:"v"`
	Sets []WireSet `json:"sets"`
	// Input is the compact form of inputs, [name, kind] for each field; who makes
	// the event fills it in.
	Input [][]any `json:"input,omitempty"`
}

// WireSet is a Set in a Wire. Each field is [name, kind, quantum].
type WireSet struct {
	Name   string  `json:"name"`
	Fields [][]any `json:"fields"`
	Own    [][]any `json:"own,omitempty"`
	Cap    int     `json:"cap,omitempty"`
}

// Version is the version of the schema event. Whatever is added to it later has
// keys of its own, and does not change it.
const Version = 1

// Wire returns the schema in the form of the schema event.
func (s Schema) Wire() Wire {
	w := Wire{V: Version, Sets: make([]WireSet, len(s.Sets))}
	for i, set := range s.Sets {
		w.Sets[i] = WireSet{Name: set.Name, Fields: wireFields(set.Fields), Cap: set.Cap}
		if len(set.Own) > 0 {
			w.Sets[i].Own = wireFields(set.Own)
		}
	}
	return w
}

func wireFields(fields []Field) [][]any {
	list := make([][]any, len(fields))
	for i, f := range fields {
		list[i] = []any{f.Name, f.Kind.String(), f.Quantum}
	}
	return list
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
		fields, err := parseFields(set.Name, set.Fields)
		if err != nil {
			return Schema{}, err
		}
		s.Sets[i] = Set{Name: set.Name, Fields: fields}
		if set.Cap < 0 || set.Cap > EntitiesMax {
			return Schema{}, fmt.Errorf("snap: set %q holds %d entities, more than %d", set.Name, set.Cap, EntitiesMax)
		}
		s.Sets[i].Cap = set.Cap
		if len(set.Own) == 0 {
			continue
		}
		if s.Sets[i].Own, err = parseFields(set.Name, set.Own); err != nil {
			return Schema{}, fmt.Errorf("%w (of its own fields)", err)
		}
	}
	return s, nil
}

func parseFields(set string, wire [][]any) ([]Field, error) {
	if len(wire) > FieldsMax {
		return nil, fmt.Errorf("snap: set %q has %d fields, more than %d", set, len(wire), FieldsMax)
	}
	fields := make([]Field, len(wire))
	for i := range wire {
		f, err := parseField(wire[i])
		if err != nil {
			return nil, fmt.Errorf("snap: set %q, field %d: %w", set, i, err)
		}
		fields[i] = f
	}
	return fields, nil
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
