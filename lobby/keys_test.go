package lobby

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func testKeys(tb testing.TB) *Keys {
	tb.Helper()
	k, err := NewKeys([]byte("0123456789abcdef"))
	require.NoError(tb, err)
	return k
}

func TestTokenRoundTrip(t *testing.T) {
	k := testKeys(t)
	now := time.UnixMilli(1_700_000_000_000)
	rapid.Check(t, func(t *rapid.T) {
		want := Token{
			Kind:    Kind(rapid.IntRange(1, 3).Draw(t, "kind")),
			Player:  rapid.StringOfN(rapid.RuneFrom([]rune("abcxyz0189-_é")), 1, -1, MaxIDLen).Draw(t, "player"),
			Match:   rapid.StringOfN(rapid.Rune(), 0, -1, MaxIDLen).Draw(t, "match"),
			Seat:    rapid.IntRange(0, MaxGroup).Draw(t, "seat"),
			Epoch:   rapid.Uint32().Draw(t, "epoch"),
			Expires: now.Add(time.Duration(rapid.IntRange(1, 1<<40).Draw(t, "ms")) * time.Millisecond),
		}
		text := k.Seal(want)
		if len(text) > MaxTokenLen {
			t.Fatalf("%d bytes", len(text))
		}
		got, err := k.Open(text, now, want.Kind)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Expires.Equal(want.Expires) {
			t.Fatalf("got %v, want %v", got.Expires, want.Expires)
		}
		got.Expires = want.Expires
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	k := testKeys(t)
	now := time.UnixMilli(1_700_000_000_000)
	tok := Token{Kind: KindOpen, Player: "p", Match: "m", Seat: 3, Epoch: 9, Expires: now.Add(time.Second)}
	good := k.Seal(tok)
	other, err := NewKeys([]byte("fedcba9876543210"))
	require.NoError(t, err)
	random, err := NewKeys(nil)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		text  string
		now   time.Time
		kinds []Kind
		err   error
	}{
		"good":              {good, now, []Kind{KindOpen}, nil},
		"one of two kinds":  {good, now, []Kind{KindResume, KindOpen}, nil},
		"another kind":      {good, now, []Kind{KindResume}, ErrAuthFailed},
		"no kind":           {good, now, nil, ErrAuthFailed},
		"last moment":       {good, tok.Expires.Add(-1), []Kind{KindOpen}, nil},
		"expired":           {good, tok.Expires, []Kind{KindOpen}, ErrExpired},
		"other secret":      {other.Seal(tok), now, []Kind{KindOpen}, ErrAuthFailed},
		"random secret":     {random.Seal(tok), now, []Kind{KindOpen}, ErrAuthFailed},
		"empty":             {"", now, []Kind{KindOpen}, ErrAuthFailed},
		"not base64":        {"!" + good[1:], now, []Kind{KindOpen}, ErrAuthFailed},
		"cut":               {good[:len(good)-4], now, []Kind{KindOpen}, ErrAuthFailed},
		"longer":            {good + "AAAA", now, []Kind{KindOpen}, ErrAuthFailed},
		"padded":            {good + "=", now, []Kind{KindOpen}, ErrAuthFailed},
		"with line break":   {good[:8] + "\n" + good[8:], now, []Kind{KindOpen}, ErrAuthFailed},
		"beyond any length": {strings.Repeat("A", MaxTokenLen+1), now, []Kind{KindOpen}, ErrAuthFailed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := k.Open(c.text, c.now, c.kinds...)
			if c.err == nil {
				require.NoError(t, err)
				require.Equal(t, "p", got.Player)
				return
			}
			require.ErrorIs(t, err, c.err)
		})
	}

	raw, err := base64.RawURLEncoding.DecodeString(good)
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			_, err := k.Open(base64.RawURLEncoding.EncodeToString(raw), now, KindOpen, KindResume, KindSession)
			require.ErrorIs(t, err, ErrAuthFailed, "byte %d bit %d", i, bit)
			raw[i] ^= 1 << bit
		}
	}
}

func TestTokenBounds(t *testing.T) {
	k := testKeys(t)
	longest := Token{
		Kind: KindOpen, Player: strings.Repeat("p", MaxIDLen), Match: strings.Repeat("m", MaxIDLen),
		Seat: MaxGroup, Expires: time.UnixMilli(1),
	}
	require.LessOrEqual(t, len(k.Seal(longest)), MaxTokenLen)
	for name, change := range map[string]func(*Token){
		"player":     func(t *Token) { t.Player += "p" },
		"no player":  func(t *Token) { t.Player = "" },
		"match":      func(t *Token) { t.Match += "m" },
		"seat":       func(t *Token) { t.Seat++ },
		"seat below": func(t *Token) { t.Seat = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			tok := longest
			change(&tok)
			require.Panics(t, func() { k.Seal(tok) })
		})
	}
	_, err := NewKeys(make([]byte, secretMin-1))
	require.Error(t, err)
	_, err = NewKeys(make([]byte, secretMin))
	require.NoError(t, err)
}

// FuzzToken checks that nothing that was not sealed is opened, and that parsing
// what is behind the code never fails in another way than by an error.
func FuzzToken(f *testing.F) {
	k := testKeys(f)
	now := time.UnixMilli(1_700_000_000_000)
	good := k.Seal(Token{Kind: KindOpen, Player: "p", Match: "m", Expires: now.Add(time.Hour)})
	f.Add(good, []byte{})
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", raw[:len(raw)-32])
	f.Add("AAAA", []byte{1, 1, 0, 0})
	f.Add(good, []byte("\x01\x02\x00\x00\x01\x8b\xcf\xe5h\x00\x00\x00\x00\x07\x04\x00\x01m\x40p"))
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		if _, err := k.Open(text, now, KindSession, KindOpen, KindResume); err == nil && text != good {
			t.Fatalf("opened %q", text)
		}
		tok, err := parseToken(body)
		if err != nil {
			return
		}
		sealed, err := base64.RawURLEncoding.DecodeString(k.Seal(tok))
		if err != nil || string(sealed[:len(sealed)-32]) != string(body) {
			t.Fatalf("%q is not what %+v seals to", body, tok)
		}
	})
}
