package engine

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// The expected scripts and texts are those of the reference server.

func TestJSONPEscaping(t *testing.T) {
	for in, want := range map[string]string{
		"4hello":                    `"4hello"`,
		`4"q\b"`:                    `"4\"q\\b\""`,
		"4\n\r\t\b\f\v\x00\x1f\x7f": "\"4\\n\\r\\t\\b\\f\\u000b\\u0000\\u001f\x7f\"",
		"4\u2028\u2029":             `"4\u2028\u2029"`,
		"4<script>&amp;</script>":   `"4<script>&amp;</script>"`,
		"4€😀":                       `"4€😀"`,
		"4a\x1e4b":                  `"4a\u001e4b"`,
		"":                          `""`,
		"4);alert(1);//":            `"4);alert(1);//"`,
	} {
		require.Equal(t, "___eio[7]("+want+");", string(jsonpScript("7", []byte(in))))
	}
}

func TestJSONPNewlines(t *testing.T) {
	for in, want := range map[string]string{
		`4a\nb`: "4a\nb", `4a\\nb`: `4a\nb`, `4a\\\nb`: `4a\\nb`, `4a\\\\nb`: `4a\\\nb`, `4\`: `4\`, `4\\`: `4\\`,
		`4\x`: `4\x`, `4\n\n`: "4\n\n", `4\\n\n`: "4\\n\n", `\`: `\`, "4\n": "4\n", "": "",
	} {
		require.Equal(t, want, string(unescapeNewlines([]byte(in))), in)
	}
}

func TestJSONPForm(t *testing.T) {
	for in, want := range map[string]string{
		"d=4hello":         "4hello",
		"d=4a+b%20c%2Bd":   "4a b c+d",
		"x=1&d=4a&d=4b":    "4a", // the first counts
		"d=4%E2%82%AC":     "4€",
		"d=4a%1E4b":        "4a\x1e4b",
		"d=":               "",
		"d":                "",
		"&&d=4=5":          "4=5",
		"d=4%5Cn":          "4\n",
		"d=4%26e%3Dmc%262": "4&e=mc&2",
	} {
		got, ok := jsonpPayload([]byte(in))
		require.True(t, ok, in)
		require.Equal(t, want, string(got), in)
	}
	for _, bad := range []string{"", "x=1", "D=4", "d=%zz", "d=4%", "%64=4", "4hello"} {
		_, ok := jsonpPayload([]byte(bad))
		require.False(t, ok, bad)
	}
}

func TestJSONPIndexBounds(t *testing.T) {
	for _, good := range []string{"0", "7", "0123456789"} {
		got, ok := jsonpIndex(url.Values{"j": {good}})
		require.True(t, ok)
		require.Equal(t, good, got)
	}
	for _, bad := range []string{"", "01234567890", "1]", "a", "-1", "1.0", "٣"} {
		_, ok := jsonpIndex(url.Values{"j": {bad}})
		require.False(t, ok, bad)
	}
	got, ok := jsonpIndex(url.Values{})
	require.True(t, ok)
	require.Empty(t, got)
}

// What a browser's form sends arrives as it was meant.
func FuzzJSONPForm(f *testing.F) {
	for _, s := range []string{"4hello", "4a\nb", `4a\nb`, "4€\x1e4", `\\\`, "&=%+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// As the client does it: data.replace(/\\n/g, "\\\n"), and line ends are
		// then escaped once more.
		var esc []byte
		for i := 0; i < len(text); i++ {
			switch {
			case text[i] == '\n':
				esc = append(esc, `\n`...)
			case text[i] == '\\' && i+1 < len(text) && text[i+1] == 'n':
				esc = append(esc, `\\n`...)
				i++
			case text[i] == '\\':
				return // ambiguous in front of either: the reference garbles it too
			default:
				esc = append(esc, text[i])
			}
		}
		got, ok := jsonpPayload([]byte("d=" + url.QueryEscape(string(esc))))
		if !ok || string(got) != text {
			t.Fatalf("%q became %q", text, got)
		}
		// And nothing that is not a form makes it fail otherwise than by saying so.
		_, _ = jsonpPayload([]byte(text))
	})
}
