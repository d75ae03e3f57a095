package tsgen

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// own are the names that the file itself uses.
var own = []string{
	"Refused", "Ack", "ConnectError", "Game", "Games", "AnyGame", "EventOf", "RequestOf", "G", "K", "R",
	"ServerToClientEvents", "ClientToServerEvents", "Auth", "Error", "Record", "Uint8Array", "ArrayBuffer",
}

// keywords of TypeScript are quoted as names of properties.
var keywords = strings.Fields(`any as async await boolean break case catch class const constructor continue
debugger declare default delete do else enum export extends false finally for from function get if implements
import in instanceof interface is keyof let module namespace never new null number object of package private
protected public readonly require return set static string super switch symbol this throw true try type typeof
undefined unique unknown var void while with yield __proto__`)

var (
	plain   = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)
	integer = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
)

// property is the name of a property, quoted where it must or had better be.
func property(name string) string {
	if plain.MatchString(name) && !slices.Contains(keywords, name) {
		return name
	}
	return quote(name)
}

// quote is a string literal.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // cannot be: strings marshal
	}
	return string(b)
}

// label is the name of a member of a tuple, which cannot be quoted.
func label(name string) string {
	if plain.MatchString(name) && !slices.Contains(keywords, name) {
		return name
	}
	return "_" + strings.Join(words(name), "_")
}

// words are the runs of letters and digits of a text.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// camel makes a type's name of any text: /game-chat is GameChat.
func camel(s, otherwise string) string {
	var out strings.Builder
	for _, w := range words(s) {
		out.WriteString(upper(w))
	}
	if out.Len() == 0 {
		return otherwise
	}
	if name := out.String(); unicode.IsDigit([]rune(name)[0]) {
		return "_" + name
	}
	return out.String()
}

func upper(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// typeName is the name for a Go type, before it is known to be free. Those of
// generic types hold their arguments with the folders of packages.
func typeName(t reflect.Type) string {
	base, args, _ := strings.Cut(t.Name(), "[")
	for arg := range strings.FieldsFuncSeq(args, func(r rune) bool { return r == ',' || r == '[' || r == ']' }) {
		base += " " + arg[strings.LastIndexByte(arg, '.')+1:]
	}
	return camel(base, "Unnamed")
}

// take reserves a name: with something behind it when it is taken.
func (g *generator) take(name string) string {
	free := name
	for i := 2; g.taken[free]; i++ {
		free = name + strconv.Itoa(i)
	}
	g.taken[free] = true
	return free
}

// takeGame reserves the names that begin with a game's.
func (g *generator) takeGame(name string) string {
	isTaken := func(free string) bool {
		return slices.ContainsFunc(gameSuffixes, func(suffix string) bool { return g.taken[free+suffix] })
	}
	free := name
	for i := 2; isTaken(free); i++ {
		free = name + strconv.Itoa(i)
	}
	for _, suffix := range gameSuffixes {
		g.taken[free+suffix] = true
	}
	return free
}

// comment is a text that can stand in a comment.
func comment(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "*/", "* /")
}
