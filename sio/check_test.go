package sio

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type checkedItem struct {
	Count int `json:"count" check:"1..9"`
}

type checked struct {
	Name   string        `json:"name" check:"required,1..5"`
	Colour string        `json:"colour" check:"enum=red|blue"`
	Level  uint8         `json:"level" check:"enum=1|2|40"`
	Ratio  float64       `json:"ratio" check:"-1..1"`
	Open   int           `json:"open" check:"0.."`
	Items  []checkedItem `json:"items" check:"..2"`
	Best   *checkedItem  `json:"best"`
	Limit  *int          `json:"limit" check:"..3"`
}

// verdict decodes one payload as it comes from each of the parsers and requires
// the same answer of both.
func verdict(t require.TestingT, payload string, into func() any) *Error {
	var plain any
	require.NoError(t, json.Unmarshal([]byte(payload), &plain))
	var verdicts [2]*Error
	for i, p := range []Parser{ParserJSON, ParserMsgpack} {
		msgs, err := Encode(p, Header{Type: PacketEvent, Namespace: "/"}, "e", plain)
		require.NoError(t, err)
		e, err := NewDecoder(p, Limits{}).Decode(msgs[0].Data, msgs[0].Binary)
		require.NoError(t, err)
		if err := e.Args(nil).Decode(0, into()); err != nil {
			require.ErrorAs(t, err, &verdicts[i])
		}
	}
	require.Equal(t, verdicts[0], verdicts[1])
	return verdicts[0]
}

func TestChecksHoldAtTheBoundAndRefuseOnePast(t *testing.T) {
	for payload, path := range map[string]string{
		`{"name":"a"}`:                               "",
		`{"name":"ééééé"}`:                           "", // characters, not bytes
		`{"name":"abcdef"}`:                          "name",
		`{"name":""}`:                                "name",
		`{}`:                                         "name",
		`{"name":null}`:                              "name",
		`{"name":"a","colour":"red"}`:                "",
		`{"name":"a","colour":"green"}`:              "colour",
		`{"name":"a","colour":""}`:                   "colour",
		`{"name":"a","colour":null}`:                 "",
		`{"name":"a","level":40}`:                    "",
		`{"name":"a","level":4}`:                     "level",
		`{"name":"a","ratio":-1}`:                    "",
		`{"name":"a","ratio":-1.0000001}`:            "ratio",
		`{"name":"a","ratio":1}`:                     "",
		`{"name":"a","ratio":1.5}`:                   "ratio",
		`{"name":"a","open":0}`:                      "",
		`{"name":"a","open":-1}`:                     "open",
		`{"name":"a","open":9007199254740991}`:       "",
		`{"name":"a","items":[{"count":1}]}`:         "",
		`{"name":"a","items":[{"count":9},{}]}`:      "",
		`{"name":"a","items":[{},{},{}]}`:            "items",
		`{"name":"a","items":[{},{"count":10}]}`:     "items[1].count",
		`{"name":"a","best":{"count":0}}`:            "best.count",
		`{"name":"a","best":{"count":5}}`:            "",
		`{"name":"a","limit":3}`:                     "",
		`{"name":"a","limit":4}`:                     "limit",
		`{"name":"a","limit":null}`:                  "",
		`{"name":"a","unknown":{"deep":[1,2,null]}}`: "",
	} {
		refused := verdict(t, payload, func() any { return new(checked) })
		if path == "" {
			require.Nil(t, refused, payload)
			continue
		}
		require.NotNil(t, refused, payload)
		require.Equal(t, codeBadPayload, refused.Code, payload)
		require.Equal(t, path, refused.Path, payload)
	}
}

// A range of integers holds for every integer, at both ends.
func TestCheckRangeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-100, 100).Draw(t, "n")
		payload := `{"count":` + plainText(reflect.ValueOf(n)) + `}`
		refused := verdict(t, payload, func() any { return new(checkedItem) })
		require.Equal(t, n < 1 || n > 9, refused != nil)
	})
}

func TestCheckTagsThatMakeNoSensePanicAtRegistration(t *testing.T) {
	type notARule struct {
		A int `check:"positive"`
	}
	type backwards struct {
		A int `check:"3..1"`
	}
	type noNumber struct {
		A int `check:"a..b"`
	}
	type enumOfFloats struct {
		A float64 `check:"enum=1|2"`
	}
	type rangeOfBool struct {
		A []struct {
			B bool `check:"0..1"`
		}
	}
	for _, x := range []any{notARule{}, backwards{}, noNumber{}, enumOfFloats{}, rangeOfBool{}} {
		err := vet(reflect.TypeOf(x))
		require.Error(t, err, "%T", x)
		require.NotContains(t, err.Error(), "\n")
		require.True(t, strings.Contains(err.Error(), "field A") || strings.Contains(err.Error(), "field B"), err)
		require.PanicsWithValue(t, `sio: event "e": `+err.Error(), func() { mustVet("e", reflect.TypeOf(x)) })
	}
	require.NoError(t, vet(reflect.TypeFor[checked]()))
	require.NoError(t, vet(reflect.TypeFor[map[string][]*checked]()))
}

type (
	endlessList []endlessList
	endlessMap  map[string]endlessMap
	endlessLink *endlessLink
)

// TestCheckTagsOfEndlessTypes looks for tags in types that consist of
// themselves without a struct between.
func TestCheckTagsOfEndlessTypes(t *testing.T) {
	for _, of := range []reflect.Type{
		reflect.TypeFor[endlessList](), reflect.TypeFor[endlessMap](), reflect.TypeFor[endlessLink](),
	} {
		require.NoError(t, vet(of))
	}
}
