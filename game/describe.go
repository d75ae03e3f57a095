package game

import (
	"reflect"

	"gameserver/game/snap"
)

// InputField is a field of a game's input as players send it. A nested struct
// has Fields and no Kind.
type InputField struct {
	Name   string
	Kind   snap.Kind
	Range  string // "LO..HI" of the in tag, empty without
	Edge   bool   // not repeated when an input is missing
	Fields []InputField
}

// Samples are values of the types of what a game sends and takes beside its
// sets and inputs, the zero ones for example. They describe the game to clients
// (the command types); nothing is sent or refused because of them. What is nil
// is not described.
type Samples struct {
	World    any            // what World returns
	Result   any            // what Close returns
	Events   map[string]any // what Broadcast and Send send, by event
	Requests map[string]any // what Handle decodes, by event
}

// describeInput lists the fields of an input type that newCodec took.
func describeInput(t reflect.Type) []InputField {
	list := make([]InputField, 0, t.NumField())
	for field := range t.Fields() {
		f := InputField{Name: wireName(field), Range: field.Tag.Get("in")}
		switch kind := field.Type.Kind(); {
		case field.Type == reflect.TypeFor[Edge]():
			f.Kind, f.Edge, f.Range = snap.KindUint, true, "0..255"
		case kind == reflect.Struct:
			f.Fields = describeInput(field.Type)
		case kind == reflect.Bool:
			f.Kind, f.Edge, f.Range = snap.KindBool, f.Range == "edge", ""
		case kind == reflect.Float32 || kind == reflect.Float64:
			f.Kind = snap.KindFloat
		case kind >= reflect.Uint:
			f.Kind = snap.KindUint
		default:
			f.Kind = snap.KindInt
		}
		list = append(list, f)
	}
	return list
}
