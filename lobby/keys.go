package lobby

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what a token is good for. A token of one kind never passes as
// another.
type Kind uint8

// The kinds of tokens.
const (
	// KindSession names a player across connections.
	KindSession Kind = 1 + iota
	// KindOpen opens a reserved seat.
	KindOpen
	// KindResume resumes a seat that was open before.
	KindResume
)

// Token is what a token says. Only Kind, Player and Expires count in a
// KindSession.
type Token struct {
	Kind    Kind
	Player  string    // lobby id, 1 to MaxIDLen bytes
	Match   string    // match id, at most MaxIDLen bytes
	Seat    int       // index of the seat in the match
	Epoch   uint32    // fencing number of the seat when the token was made
	Expires time.Time // kept in whole milliseconds
}

// Keys seals and opens tokens with HMAC-SHA256. A token is readable by its
// bearer and forgeable by nobody. Immutable, safe for concurrent use.
type Keys struct {
	secret []byte
}

const (
	tokenVersion = 1
	tokenHead    = 1 + 1 + 8 + 4 + 2 // version, kind, exp, epoch, seat
	secretMin    = 16
)

// NewKeys returns keys with the given secret of at least 16 bytes. Without a
// secret a random one is drawn, and tokens end with the process.
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) == 0 {
		secret = make([]byte, sha256.Size)
		if _, err := rand.Read(secret); err != nil {
			return nil, fmt.Errorf("lobby: drawing a secret: %w", err)
		}
	}
	if len(secret) < secretMin {
		return nil, fmt.Errorf("lobby: a secret of %d bytes is too short, %d are needed", len(secret), secretMin)
	}
	return &Keys{secret: slices.Clone(secret)}, nil
}

// Seal returns the text of t. It panics when t breaks the bounds of a token,
// which only this program can cause.
func (k *Keys) Seal(t Token) string {
	if len(t.Player) == 0 || len(t.Player) > MaxIDLen || len(t.Match) > MaxIDLen || t.Seat < 0 || t.Seat > MaxGroup {
		panic("lobby: token out of bounds")
	}
	b := make([]byte, 0, tokenHead+2+len(t.Match)+len(t.Player)+sha256.Size)
	b = append(b, tokenVersion, byte(t.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, t.Epoch)
	b = binary.BigEndian.AppendUint16(b, uint16(t.Seat))
	b = append(b, byte(len(t.Match)))
	b = append(b, t.Match...)
	b = append(b, byte(len(t.Player)))
	b = append(b, t.Player...)
	return base64.RawURLEncoding.EncodeToString(k.sign(b))
}

// Open returns what text says when it is one of ours, of one of the given
// kinds and not expired at now. The error is ErrAuthFailed, or ErrExpired with the
// token that was genuine once.
func (k *Keys) Open(text string, now time.Time, kinds ...Kind) (Token, error) {
	// The decoder skips line breaks; a token has one spelling only.
	if len(text) > MaxTokenLen || strings.ContainsAny(text, "\r\n") {
		return Token{}, ErrAuthFailed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < tokenHead+2+sha256.Size {
		return Token{}, ErrAuthFailed
	}
	body := b[:len(b)-sha256.Size]
	if !hmac.Equal(k.sign(slices.Clip(body)), b) {
		return Token{}, ErrAuthFailed
	}
	t, err := parseToken(body)
	if err != nil || !slices.Contains(kinds, t.Kind) {
		return Token{}, ErrAuthFailed
	}
	if !now.Before(t.Expires) {
		return t, ErrExpired
	}
	return t, nil
}

// sign returns body followed by its code.
func (k *Keys) sign(body []byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(body)
	return mac.Sum(body)
}

var errToken = errors.New("lobby: malformed token")

// parseToken reads what Seal wrote, without the code at the end.
func parseToken(b []byte) (Token, error) {
	if len(b) < tokenHead+2 || b[0] != tokenVersion {
		return Token{}, errToken
	}
	t := Token{
		Kind:    Kind(b[1]),
		Expires: time.UnixMilli(int64(binary.BigEndian.Uint64(b[2:]))),
		Epoch:   binary.BigEndian.Uint32(b[10:]),
		Seat:    int(binary.BigEndian.Uint16(b[14:])),
	}
	var ok bool
	rest := b[tokenHead:]
	if t.Match, rest, ok = cutString(rest); !ok {
		return Token{}, errToken
	}
	if t.Player, rest, ok = cutString(rest); !ok || len(rest) != 0 {
		return Token{}, errToken
	}
	if t.Player == "" || t.Seat > MaxGroup || t.Kind < KindSession || t.Kind > KindResume {
		return Token{}, errToken
	}
	return t, nil
}

// cutString takes a string with its length in one byte off the front of b.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > MaxIDLen || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
