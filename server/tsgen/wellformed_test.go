package tsgen

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"gameserver/game/snap"
	"gameserver/sio"
)

// globals are the names that the output may use without declaring them.
var globals = map[string]bool{
	"string": true, "number": true, "boolean": true, "unknown": true, "never": true, "null": true, "object": true,
	"true": true, "false": true, "void": true, "Uint8Array": true, "ArrayBuffer": true, "Error": true, "keyof": true,
	"extends": true, "in": true, "export": true, "interface": true, "type": true, "namespace": true,
	"G": true, "K": true, "R": true,
}

var (
	tokens     = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|"(?:[^"\\]|\\.)*"|[\p{L}_$][\p{L}\p{Nd}_$]*|-?[0-9]+|=>|[{}()\[\]<>|&?:;,.=]|\s+`)
	name       = regexp.MustCompile(`^[\p{L}_$]`)
	nameOrText = regexp.MustCompile(`^["\p{L}_$]`)
	closes     = map[string]string{")": "(", "]": "[", "}": "{", ">": "<"}
)

// wellFormed says what is wrong with a module, as far as can be told without a
// compiler: characters that belong to no token, brackets that do not match,
// names that are declared twice or not at all, members that come twice.
func wellFormed(module []byte) string {
	rest := string(module)
	var words []string
	for rest != "" {
		at := tokens.FindStringIndex(rest)
		if at == nil || at[0] != 0 {
			return fmt.Sprintf("no token: %.40q", rest)
		}
		if w := rest[:at[1]]; strings.TrimSpace(w) != "" && !strings.HasPrefix(w, "/") {
			words = append(words, w)
		}
		rest = rest[at[1]:]
	}
	declared, used := map[string]bool{}, map[string]bool{}
	var open []string
	members := []map[string]bool{{}}
	for i, w := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch before := words[max(0, i-1)]; {
		case strings.Contains("([{<", w):
			open = append(open, w)
			members = append(members, map[string]bool{})
		case closes[w] != "":
			if len(open) == 0 || open[len(open)-1] != closes[w] {
				return fmt.Sprintf("%q closes nothing after %q", w, words[max(0, i-5):i])
			}
			open, members = open[:len(open)-1], members[:len(members)-1]
		case (next == ":" || next == "?") && nameOrText.MatchString(w): // a member, a parameter or a label
			scope := members[len(members)-1]
			if len(open) > 0 && open[len(open)-1] == "{" && scope[w] {
				return fmt.Sprintf("member %s comes twice", w)
			}
			scope[w] = true
		case before == "interface" || before == "type" || before == "namespace":
			if len(open) == 0 && declared[w] {
				return w + " is declared twice"
			}
			declared[w] = true
		case name.MatchString(w) && !globals[w] && before != ".":
			used[w] = true
		}
	}
	if len(open) > 0 {
		return fmt.Sprintf("%q is left open", open)
	}
	for w := range used {
		if !declared[w] {
			return w + " is not declared"
		}
	}
	return ""
}

func TestWellFormedNotices(t *testing.T) {
	for module, wrong := range map[string]string{
		"export interface A { a: B; }":                               "B is not declared",
		"export interface A { a: string;":                            "left open",
		"export interface A { a: string[; }":                         "closes nothing",
		"export interface A { a: string; a: number; }":               "twice",
		"export interface A {}\nexport interface A {}":               "declared twice",
		"export interface A { odd-name: string; }":                   "no token",
		"export interface A { \"odd-name\": string; b?: A | null; }": "",
	} {
		got := wellFormed([]byte(module))
		if wrong == "" {
			require.Empty(t, got, module)
			continue
		}
		require.Contains(t, got, wrong, module)
	}
}

// anyType draws a type that can travel.
func anyType(t *rapid.T, depth int) reflect.Type {
	leaves := []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int8](), reflect.TypeFor[uint32](), reflect.TypeFor[float32](),
		reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[[3]byte](), reflect.TypeFor[any](),
		reflect.TypeFor[message](), reflect.TypeFor[strange](), reflect.TypeFor[node](), reflect.TypeFor[stamped](),
		reflect.TypeFor[World](), reflect.TypeFor[ring](), reflect.TypeFor[page[dictionary]](),
	}
	if depth == 0 {
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return reflect.PointerTo(anyType(t, depth-1))
	case 1:
		return reflect.SliceOf(anyType(t, depth-1))
	case 2:
		return reflect.ArrayOf(rapid.SampledFrom([]int{0, 1, 2, tupleMax, tupleMax + 1}).Draw(t, "length"), anyType(t, depth-1))
	case 3:
		return reflect.MapOf(reflect.TypeFor[string](), anyType(t, depth-1))
	default:
		return anyStruct(t, depth)
	}
}

func anyStruct(t *rapid.T, depth int) reflect.Type {
	fields := make([]reflect.StructField, rapid.IntRange(0, 5).Draw(t, "fields"))
	for i := range fields {
		ft := anyType(t, depth-1)
		tag := ""
		if name := anyName().Draw(t, "name"); name != "" && !strings.ContainsAny(name, ",") && name != "-" {
			tag = "json:" + strconv.Quote(name+rapid.SampledFrom([]string{"", ",omitempty", ",omitzero"}).Draw(t, "option"))
		}
		tag += " check:" + strconv.Quote(anyCheck(t, ft))
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: ft, Tag: reflect.StructTag(tag)}
	}
	return reflect.StructOf(fields)
}

// anyCheck draws a check tag that makes sense for a type.
func anyCheck(t *rapid.T, ft reflect.Type) string {
	rules := []string{"required"}
	switch ft.Kind() {
	case reflect.String:
		rules = append(rules, "1..24", "enum=a|b c|\"|*/|\\", "required,..3")
	case reflect.Int8, reflect.Uint32:
		rules = append(rules, "..3", "enum=1|2|-3|x|007")
	case reflect.Float32, reflect.Slice, reflect.Map:
		rules = append(rules, "0.5..")
	default:
	}
	return rapid.SampledFrom(rules).Draw(t, "check")
}

func anyName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "ok", "default", "__proto__", "*/", "// x", "a-b", "\"", "\\", "1", "é", "'", "`${", "</script>", "\u2028", "new"}),
		rapid.StringMatching(`[a-z]{1,6}`),
		rapid.String(),
	)
}

// anyConfig draws events and games of any types and names.
func anyConfig(t *rapid.T) Config {
	srv := sio.New(sio.Config{})
	cfg := Config{Command: anyName().Draw(t, "command")}
	for range rapid.IntRange(1, 3).Draw(t, "namespaces") {
		ns := srv.Of("/" + anyName().Draw(t, "namespace"))
		for i := range rapid.IntRange(0, 3).Draw(t, "events") {
			name := fmt.Sprint(i, anyName().Draw(t, "event"))
			arg, answer := anyType(t, 3), any(nil)
			if rapid.Bool().Draw(t, "answered") {
				answer = anyType(t, 2)
			}
			if rapid.Bool().Draw(t, "emits") {
				ns.Emits(name, arg, answer)
			} else if len(ns.Events()) < 6 {
				ns.Accepts(fmt.Sprint(len(ns.Events()), name), arg, answer)
			}
		}
		cfg.Namespaces = append(cfg.Namespaces, Namespace{Sockets: ns, Auth: anyStruct(t, 1)})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "games") {
		cfg.Games = append(cfg.Games, Game{
			Name:   fmt.Sprint(anyName().Draw(t, "game"), i),
			World:  anyType(t, 2),
			Inputs: []Input{{Name: anyName().Draw(t, "input"), Fields: []Input{{Name: anyName().Draw(t, "inner")}}}},
			Events: map[string]reflect.Type{anyName().Draw(t, "game event"): anyType(t, 1)},
			Schema: snap.Schema{Sets: []snap.Set{{
				Name:   anyName().Draw(t, "set"),
				Fields: []snap.Field{{Name: anyName().Draw(t, "field"), Kind: snap.KindFloat, Quantum: 0.5}},
			}}},
		})
	}
	return cfg
}

// TestAnyTypes looks for what is wrong with what Generate makes of them.
func TestAnyTypes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := anyConfig(t)
		out := Generate(cfg)
		if wrong := wellFormed(out); wrong != "" {
			t.Fatalf("%s\n%s", wrong, out)
		}
		if string(out) != string(Generate(cfg)) {
			t.Fatal("another order")
		}
	})
}
