package snap

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Column says where a replicated field is in a row and how it is quantised.
type Column struct {
	Name   string
	Offset uintptr
	Type   reflect.Kind

	kind    Kind
	quantum float64
	perUnit float64 // 1/quantum
}

// Layout is the replicated part of a row type.
type Layout struct {
	Stride  uintptr  // size of a row in memory
	Columns []Column // replicated to everybody who may see the entity
	Own     []Column // replicated only to the player whose id the entity has
}

// Set returns the wire view of the layout of a set that holds up to limit
// entities.
func (l Layout) Set(name string, limit int) Set {
	s := Set{Name: name, Fields: fields(l.Columns), Cap: limit}
	if len(l.Own) > 0 {
		s.Own = fields(l.Own)
	}
	return s
}

func fields(columns []Column) []Field {
	list := make([]Field, len(columns))
	for i, c := range columns {
		list[i] = Field{Name: c.Name, Kind: c.kind, Quantum: c.quantum}
	}
	return list
}

// Parse completes a column from its type and the field's snap tag.
func (c *Column) Parse(tag string) error {
	switch c.Type {
	case reflect.Bool:
		c.kind = KindBool
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int:
		c.kind = KindInt
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint:
		c.kind = KindUint
	case reflect.Float32, reflect.Float64:
		c.kind = KindFloat
		return c.parseQuantum(tag)
	case reflect.Int64, reflect.Uint64:
		return fmt.Errorf("a %v cannot be replicated, because the wire has 32 bits", c.Type)
	default:
		return fmt.Errorf("a %v cannot be replicated", c.Type)
	}
	if tag != "" {
		return fmt.Errorf("tag snap:%q on a %v must be empty", tag, c.Type)
	}
	return nil
}

func (c *Column) parseQuantum(tag string) error {
	text, ok := strings.CutPrefix(tag, "q=")
	q, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil || !(q >= QuantumMin && q <= QuantumMax) {
		return fmt.Errorf("tag snap:%q on a %v is not q=STEP with STEP from %g to %g",
			tag, c.Type, QuantumMin, QuantumMax)
	}
	c.quantum, c.perUnit = q, 1/q
	return nil
}
