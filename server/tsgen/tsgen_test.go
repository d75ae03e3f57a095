package tsgen

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"gameserver/game/snap"
	"gameserver/sio"
)

var update = flag.Bool("update", false, "write testdata/sample.d.ts anew")

// A sample of everything that types can be.
type (
	author struct {
		Name string `json:"name" check:"required,1..24"`
		Age  *uint8 `json:"age" check:"..150"`
	}
	node struct {
		Text string  `json:"text"`
		Kids []*node `json:"kids" check:"required"`
	}
	tree        []tree
	dictionary  map[string]dictionary
	loop        *loop
	ring        *[]ring
	colour      string
	page[T any] struct {
		Items []T `json:"items"`
		Next  int `json:"next,omitempty" check:"0.."`
	}
	stamped struct {
		At   time.Time `json:"at" check:"required"`
		Blob []byte    `json:"blob" check:"required,1..16"`
	}
	message struct {
		stamped

		From    author             `json:"from" check:"required"`
		Text    string             `json:"text" check:"required,1..500"`
		Mood    colour             `json:"mood" check:"enum=red|blue"`
		Level   *int               `json:"level" check:"enum=1|2|3"`
		Share   float64            `json:"share" check:"0..1"`
		Tags    []string           `json:"tags" check:"..5"`
		Where   [2]float64         `json:"where"`
		Grid    [17][]bool         `json:"grid"`
		Meta    map[string]any     `json:"meta"`
		Counts  map[int][]uint     `json:"counts"`
		Default bool               `json:"default"`
		Odd     string             `json:"odd-name"`
		Inline  struct{ A, B int } `json:"inline"`
		Raw     json.RawMessage    `json:"raw"`
		Reply   *author            `json:"reply,omitempty"`
		Deep    **author           `json:"deep"`
		Empty   struct{}           `json:"empty"`
	}
	strange struct {
		Tree  tree               `json:"tree"`
		Dict  dictionary         `json:"dict"`
		Loop  loop               `json:"loop"`
		Ring  ring               `json:"ring"`
		Pages page[page[author]] `json:"pages"`
		Event Event2             `json:"event"`
	}
	Event2 struct {
		G int `json:"G"`
	}
	posted struct {
		OK bool   `json:"ok"`
		ID string `json:"id"`
	}
	hit struct {
		By int `json:"by"`
	}
	arenaWorld struct {
		W float64 `json:"w"`
	}
	welcome struct {
		You   int   `json:"you"`
		World World `json:"world"`
	}
	frame struct {
		E []Entity `json:"e" check:"required"`
	}
	move struct {
		S int   `json:"s" check:"required"`
		V Value `json:"v" check:"required"`
	}
	ended struct {
		Result Result `json:"result"`
	}
	auth struct {
		Token string `json:"token" check:"required"`
	}
)

func sample() Config {
	srv := sio.New(sio.Config{})
	chat := srv.Of("/chat-room")
	chat.Accepts("post", message{}, posted{})
	chat.Accepts("typing", nil, nil)
	chat.Accepts("count", nil, 0)
	chat.Accepts("find", author{}, []message{})
	chat.Accepts("new", "", nil)
	chat.Emits("message", message{}, nil)
	chat.Emits("strange!", &strange{}, nil)
	chat.Emits("tree", node{}, nil)
	chat.Emits("bye", nil, nil)
	chat.Emits("alive", 0, true)
	chat.Emits("anything", reflect.TypeFor[any](), nil)
	match := srv.Of("/match")
	match.Emits("welcome", welcome{}, nil)
	match.Emits("frame", frame{}, nil)
	match.Emits("event", reflect.TypeFor[Event](), nil)
	match.Emits("ended", ended{}, nil)
	match.Accepts("move", move{}, nil)
	match.Accepts("request", reflect.TypeFor[Request](), struct {
		OK   bool `json:"ok"`
		Data any  `json:"data"`
	}{})
	return Config{
		Command:    "the test",
		Namespaces: []Namespace{{Sockets: chat, Auth: reflect.TypeFor[auth]()}, {Sockets: match}},
		Games: []Game{{
			Name: "arena",
			Inputs: []Input{
				{Name: "up", Kind: snap.KindBool},
				{Name: "fire", Kind: snap.KindBool, Edge: true},
				{Name: "aim", Kind: snap.KindFloat, Range: "-3.2..3.2"},
				{Name: "stick", Fields: []Input{{Name: "x", Kind: snap.KindInt, Range: "-8..8"}}},
			},
			Schema: snap.Schema{Sets: []snap.Set{
				{Name: "ships", Fields: []snap.Field{{Name: "x", Kind: snap.KindFloat, Quantum: 0.1}, {Name: "new", Kind: snap.KindBool}}},
				{Name: "odd set", Fields: []snap.Field{{Name: "a-b", Kind: snap.KindUint}}},
			}},
			World:    reflect.TypeFor[arenaWorld](),
			Result:   reflect.TypeFor[map[string]int](),
			Events:   map[string]reflect.Type{"hit": reflect.TypeFor[hit](), "end": nil},
			Requests: map[string]reflect.Type{"aim:at": reflect.TypeFor[author](), "stop": nil},
		}, {Name: "a-b"}, {Name: "a_b"}},
		GameEvents: map[string]reflect.Type{"match:state": reflect.TypeFor[struct {
			State string `json:"state" check:"enum=open|running"`
		}]()},
	}
}

// TestSample compares the output with testdata/sample.d.ts.
func TestSample(t *testing.T) {
	const golden = "testdata/sample.d.ts"
	got := Generate(sample())
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "go test -update writes it anew")
	for range 20 {
		require.Equal(t, string(got), string(Generate(sample())), "the order never changes")
	}
	require.Empty(t, wellFormed(got))
}

func TestNothing(t *testing.T) {
	require.NotContains(t, string(Generate(Config{})), "Game")
	require.Empty(t, wellFormed(Generate(Config{})))
	alone := sio.New(sio.Config{}).Of("/")
	alone.Emits("welcome", welcome{}, nil)
	require.Contains(t, string(Generate(Config{Namespaces: []Namespace{{Sockets: alone}}})), "AnyGame = Game;")
}

// TestCompiles has the compiler check programs that use the sample with the
// official client: what must hold, and what must not.
func TestCompiles(t *testing.T) {
	modules, err := filepath.Abs("../../cmd/gameserver/web/node_modules")
	require.NoError(t, err)
	tsc := filepath.Join(modules, "typescript", "lib", "tsc.js")
	require.FileExists(t, tsc, "run scripts/npm-ci cmd/gameserver/web first")
	require.FileExists(t, filepath.Join(modules, "socket.io-client", "package.json"), "run scripts/npm-ci cmd/gameserver/web first")
	program, err := os.ReadFile("testdata/program.ts")
	require.NoError(t, err)

	dir := t.TempDir()
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	write("sample.d.ts", Generate(sample()))
	write("nothing.d.ts", Generate(Config{}))
	for i := range 30 {
		write(fmt.Sprintf("any%d.d.ts", i), Generate(rapid.Custom(anyConfig).Example(i)))
	}
	write("program.ts", program)
	write("tsconfig.json", []byte(`{
  "compilerOptions": {
    "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler", "lib": ["ES2022", "DOM"], "types": [],
    "strict": true, "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true,
    "verbatimModuleSyntax": true, "isolatedModules": true, "noEmit": true, "skipLibCheck": false
  },
  "include": ["*.ts"]
}`))
	require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	cmd := exec.CommandContext(t.Context(), "node", tsc, "--noEmit", "-p", dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
