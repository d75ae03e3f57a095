// Package tidy checks properties of the code base that no compiler checks: the
// layering, the third-party imports, the sizes of files and functions, the
// size of each package's public surface, and that every threat row marked
// closed names a test that exists.
package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module       = "gameserver/"
	fileLinesMax = 500
	funcLinesMax = 70
)

// Third-party modules, each with the reason it is here.
const (
	// gws does the WebSocket handshake and reading.
	gws = "github.com/lxzan/gws"
	// msgpack encodes and decodes cold events of any Go type.
	msgpack = "github.com/vmihailenco/msgpack/v5"
	// msgp has the append and read primitives of the hot paths.
	msgp = "github.com/tinylib/msgp/msgp"
	// unix has timerfd, socket options and clocks that package syscall lacks.
	unix = "golang.org/x/sys/unix"
	// kong parses the command line and environment and prints the help.
	kong = "github.com/alecthomas/kong"
	// prometheus serves /metrics.
	prometheus = "github.com/prometheus/client_golang/prometheus"
	promhttp   = "github.com/prometheus/client_golang/prometheus/promhttp"
	promproc   = "github.com/prometheus/client_golang/prometheus/collectors"
	// profile writes --profile files.
	profile = "github.com/pkg/profile"
	// exptrace reads execution traces; its format is the runtime's own and changes.
	exptrace = "golang.org/x/exp/trace"
	// pprof writes profiles that go tool pprof reads.
	pprof = "github.com/google/pprof/profile"
	// hdr keeps the load generator's latency histograms.
	hdr = "github.com/HdrHistogram/hdrhistogram-go"
)

// imports is the layering: for each package, everything outside the standard
// library that it may import. Packages of this module are named by folder. A
// package missing from the table fails the test, because adding a package or a
// dependency is a design decision and belongs in this diff.
var imports = map[string][]string{
	// Network tower.
	"engine":            {gws, unix},
	"engine/client":     {"engine", gws},
	"engine/enginetest": {"engine", "engine/client", gws},
	"internal/mpcheck":  nil,
	"internal/netfault": nil,
	"sio":               {"engine", "internal/mpcheck", msgpack, msgp},
	"sio/client":        {"engine/client", "sio", "internal/mpcheck", msgpack, msgp},
	"sio/adapter":       {"sio"},
	"sio/admin":         {"engine", "sio", msgpack},
	// Simulation tower.
	"tick":          {unix},
	"game/snap":     {"internal/mpcheck", msgp},
	"game":          {"game/snap", "internal/mpcheck", msgp, msgpack},
	"game/interest": {"game/snap"},
	"game/match":    {"game", "game/interest", "game/snap", "tick", "internal/mpcheck", msgp, msgpack},
	"game/arena":    {"game"},
	// Alone.
	"lobby": nil,
	// The doorstep, and what stands on it.
	"server": {
		"engine", "sio", "lobby", "game", "game/snap", "game/match", "tick", "internal/mpcheck", "server/tsgen", "server/flight", "server/ops",
		kong, prometheus, promhttp, promproc, profile, msgpack, msgp, unix,
	},
	"server/tsgen":    {"sio", "game/snap"},
	"server/flight":   {"tick", exptrace, pprof},
	"server/ops":      {"engine", "sio", "tick"},
	"server/client":   {"engine/client", "sio", "sio/client", "internal/mpcheck", "game/snap", msgpack, msgp},
	"cmd/gameserver":  {"server", "game", "game/arena"},
	"cmd/conformance": {"engine", "sio", kong, msgpack},
	"bench":           {"server/client", "engine/client", "bench/workload", "bench/tape", "bench/timing", "internal/netfault", hdr, kong, msgp, unix},
	"bench/workload":  {"game"},
	"bench/tape":      {"bench/workload", "game", "game/match", "game/snap", "tick", "server/client", "sio/client", msgp},
	"bench/timing":    {"game", "game/match", "tick", unix},
	"bench/floor":     {"tick", unix},
	"bench/serve":     {"server", "bench/workload"},
	"bench/serve-sio": {"engine", "sio"},
	"e2e":             nil,
	"e2e/crowd":       {"server", "game"},
	// Examples: what somebody else would write.
	"examples/internal/page": {"engine", "sio"},
	"examples/chat":          {"sio", "examples/internal/page"},
	"examples/notifications": {"sio", "examples/internal/page"},
	"examples/text":          {"sio", "examples/internal/page", "examples/text/ot"},
	"examples/text/ot":       nil,
	"examples/stutter":       {"game", "server", "server/client"},
}

// surface is the most exported functions and methods a package may have,
// interface methods and those of standard interfaces not counted.
var surface = map[string]int{
	"engine": 30, "sio": 90, "game": 60, "tick": 25, "lobby": 30, "server": 30,
}

// standardMethods are not counted: they are there for the standard library.
var standardMethods = []string{
	"Error", "String", "Unwrap", "Is", "ServeHTTP", "Read", "Write", "Close", "RemoteAddr", "LocalAddr",
	"SetDeadline", "SetReadDeadline", "SetWriteDeadline", "Accept", "Addr", "Len", "Less", "Swap", "Push", "Pop",
	"MarshalJSON", "UnmarshalJSON", "EncodeMsgpack", "DecodeMsgpack", "LogValue", "Describe", "Collect",
}

var skipped = []string{".git", "node_modules", "testdata", "dist", "out"}

// sources calls visit for every Go file of the module.
func sources(t *testing.T, visit func(name string, files *token.FileSet, f *ast.File)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skipped, d.Name()) {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(files, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(name), files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLayersAndSizes(t *testing.T) {
	sources(t, func(name string, files *token.FileSet, f *ast.File) {
		if name == "tidy_test.go" {
			return
		}
		if !strings.HasSuffix(name, "_test.go") {
			checkImports(t, f, path.Dir(name))
		}
		checkSize(t, files, f)
	})
}

func checkImports(t *testing.T, f *ast.File, dir string) {
	t.Helper()
	allowed, known := imports[dir]
	if !known {
		t.Errorf("%s: package is not in the layer table", dir)
	}
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		p = strings.TrimPrefix(p, module)
		if !isStd(p) && p != dir && !slices.Contains(allowed, p) {
			t.Errorf("%s must not import %s", dir, p)
		}
	}
}

// isStd reports whether p is a standard library path. Ours were stripped to a
// folder name that is a key of imports, and all others start with a host name.
func isStd(p string) bool {
	_, ours := imports[p]
	first, _, _ := strings.Cut(p, "/")
	return !ours && !strings.Contains(first, ".")
}

func checkSize(t *testing.T, files *token.FileSet, f *ast.File) {
	t.Helper()
	if ast.IsGenerated(f) {
		return
	}
	file := files.File(f.Pos())
	if n := file.LineCount(); n > fileLinesMax {
		t.Errorf("%s: %d lines, limit %d", file.Name(), n, fileLinesMax)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := file.Line(fn.End()) - file.Line(fn.Pos()) + 1; n > funcLinesMax {
			t.Errorf("%s: %s is %d lines, limit %d", files.Position(fn.Pos()), fn.Name.Name, n, funcLinesMax)
		}
	}
}

func TestPublicSurface(t *testing.T) {
	count := map[string]int{}
	sources(t, func(name string, _ *token.FileSet, f *ast.File) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && exported(fn) {
				count[path.Dir(name)]++
			}
		}
	})
	for dir, most := range surface {
		if count[dir] > most {
			t.Errorf("%s exports %d functions and methods, budget %d", dir, count[dir], most)
		}
	}
}

// exported reports whether fn is part of its package's own public surface.
func exported(fn *ast.FuncDecl) bool {
	if !fn.Name.IsExported() {
		return false
	}
	if fn.Recv == nil {
		return true
	}
	return ast.IsExported(receiver(fn.Recv.List[0].Type)) && !slices.Contains(standardMethods, fn.Name.Name)
}

// receiver is the name of the type a method is declared on.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestThreatRowsNameTests reads docs/SECURITY.md: a row is either open or names
// tests, as package.TestName, that exist.
func TestThreatRowsNameTests(t *testing.T) {
	page, err := os.ReadFile("docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	sources(t, func(name string, _ *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasSuffix(name, "_test.go") {
				tests[path.Dir(name)+"."+fn.Name.Name] = true
			}
		}
	})
	row := regexp.MustCompile(`^\| ([A-H]\d+) \|`)
	named := regexp.MustCompile("`([a-z/0-9]+\\.(?:Test|Fuzz)\\w+)`")
	rows := 0
	for line := range strings.Lines(string(page)) {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		rows++
		names := named.FindAllStringSubmatch(line, -1)
		if len(names) == 0 && !strings.Contains(line, "| open") {
			t.Errorf("threat row %s names no test and is not open", m[1])
		}
		for _, n := range names {
			if !tests[n[1]] {
				t.Errorf("threat row %s names %s, which does not exist", m[1], n[1])
			}
		}
	}
	if rows < 60 {
		t.Errorf("docs/SECURITY.md has %d threat rows, expected the whole catalogue", rows)
	}
}
