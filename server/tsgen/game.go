package tsgen

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gameserver/game/snap"
	"gameserver/sio"
)

// gameSuffixes make the names of what is written for each game.
var gameSuffixes = []string{"Game", "Input", "Entity"}

// writeGameTypes writes what all games share.
func writeGameTypes(w *bytes.Buffer, games []Game, names []string) {
	all := "Game"
	if len(games) > 0 {
		all = "Games[keyof Games]"
	}
	fmt.Fprintf(w, generics, all)
	if len(games) == 0 {
		return
	}
	w.WriteString("\n/** The games of this server, by name. */\nexport interface Games {\n")
	for i, game := range games {
		fmt.Fprintf(w, "  %s: %sGame;\n", property(game.Name), names[i])
	}
	w.WriteString("}\n")
}

// game writes what is a game's own.
func (g *generator) game(w *bytes.Buffer, name string, game Game, common map[string]reflect.Type) {
	fmt.Fprintf(w, "\n/** An input of %s. What is missing is zero or false. */\nexport interface %sInput %s\n",
		comment(game.Name), name, inputs(game.Inputs, ""))
	fmt.Fprintf(w, "\n/** A row of %s in a snapshot: its id, the number of its set, and its fields as sent. */\nexport type %sEntity =",
		comment(game.Name), name)
	for i, set := range game.Schema.Sets {
		fmt.Fprintf(w, "\n  | %s", entity(i, set))
	}
	if len(game.Schema.Sets) == 0 {
		w.WriteString(" never")
	}
	fmt.Fprintf(w, ";\n\n/** The game %s. */\nexport interface %sGame {\n", comment(game.Name), name)
	fmt.Fprintf(w, "  input: %sInput;\n", name)
	fmt.Fprintf(w, "  world: %s;\n  result: %s;\n", g.known(game.World, fromServer, "  "), g.known(game.Result, fromServer, "  "))
	fmt.Fprintf(w, "  events: %s;\n", g.byName(game.Events, common, fromServer))
	fmt.Fprintf(w, "  requests: %s;\n", g.byName(game.Requests, nil, fromClient))
	fmt.Fprintf(w, "  /** The replicated sets, their fields in the game's own units. */\n  sets: %s;\n", sets(game.Schema))
	fmt.Fprintf(w, "  entity: %sEntity;\n}\n", name)
}

// known is the type of a value of a game, unknown without one. The markers are
// for namespaces: a game does not hold itself.
func (g *generator) known(t reflect.Type, dir direction, indent string) string {
	if t == nil {
		return "unknown"
	}
	s := sio.ShapeOf(t)
	if generic(s) {
		return "unknown"
	}
	return g.expr(s, dir, false, indent).String()
}

// byName is an object type with a member for each name.
func (g *generator) byName(types, more map[string]reflect.Type, dir direction) string {
	if types == nil {
		return "{ [name: string]: unknown }"
	}
	all := maps.Clone(types)
	maps.Copy(all, more)
	if len(all) == 0 {
		return "{}"
	}
	var out strings.Builder
	out.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := "null"
		if all[name] != nil {
			text = g.known(all[name], dir, "    ")
		}
		fmt.Fprintf(&out, "    %s: %s;\n", property(name), text)
	}
	return out.String() + "  }"
}

// inputs is the type of an input or of a struct in it.
func inputs(fields []Input, indent string) string {
	if len(fields) == 0 {
		return "{}"
	}
	var out strings.Builder
	out.WriteString("{\n")
	for _, f := range fields {
		if note := inputNote(f); note != "" {
			fmt.Fprintf(&out, "%s  /** %s */\n", indent, note)
		}
		text := jsType(f.Kind)
		if f.Fields != nil {
			text = inputs(f.Fields, indent+"  ")
		}
		fmt.Fprintf(&out, "%s  %s?: %s;\n", indent, property(f.Name), text)
	}
	return out.String() + indent + "}"
}

func inputNote(f Input) string {
	var parts []string
	if f.Edge {
		parts = append(parts, "an edge: not repeated when an input is missing")
	}
	if f.Fields == nil && (f.Kind == snap.KindInt || f.Kind == snap.KindUint) {
		parts = append(parts, "integer")
	}
	if f.Range != "" {
		parts = append(parts, f.Range)
	}
	return comment(strings.Join(parts, ", "))
}

func jsType(k snap.Kind) string {
	if k == snap.KindBool {
		return "boolean"
	}
	return "number"
}

// entity is the tuple that a row of a set is in a snapshot.
func entity(number int, set snap.Set) string {
	parts := []string{"id: number", fmt.Sprintf("set: %d", number)}
	for _, f := range set.Fields {
		parts = append(parts, label(f.Name)+": "+jsType(f.Kind))
	}
	return fmt.Sprintf("/* %s */ [%s]", comment(set.Name), strings.Join(parts, ", "))
}

// sets is the type of the rows by the names of their sets.
func sets(schema snap.Schema) string {
	if len(schema.Sets) == 0 {
		return "{}"
	}
	var out strings.Builder
	out.WriteString("{\n")
	for _, set := range schema.Sets {
		fmt.Fprintf(&out, "    %s: {\n", property(set.Name))
		for _, f := range set.Fields {
			if f.Kind == snap.KindFloat {
				fmt.Fprintf(&out, "      /** sent in steps of %s */\n", strconv.FormatFloat(f.Quantum, 'g', -1, 64))
			}
			fmt.Fprintf(&out, "      %s: %s;\n", property(f.Name), jsType(f.Kind))
		}
		out.WriteString("    };\n")
	}
	return out.String() + "  }"
}
