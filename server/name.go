package server

import (
	"strings"
	"unicode"
)

// cleanName returns a name that can be shown to others: printable, without
// runs of spaces, at most MaxName characters. Without anything left it is
// guest-… after the player's id.
func cleanName(name, player string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		default:
			return r
		}
	}, name)
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > MaxName {
		name = strings.TrimSpace(string(runes[:MaxName]))
	}
	if name == "" {
		return "guest-" + player[:min(4, len(player))]
	}
	return name
}
