package tidy

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCapabilityRowsNameTests reads docs/SOCKETIO.md: each of the 76
// capabilities has its row, a row that says yes names a test, and every test
// that is named exists.
func TestCapabilityRowsNameTests(t *testing.T) {
	page, err := os.ReadFile("docs/SOCKETIO.md")
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
	row := regexp.MustCompile(`^\| (\d+) \| [^|]+ \| (yes|other|no) \| ([^|]*) \| ([^|]*)\|`)
	named := regexp.MustCompile("`([a-z/0-9]+\\.Test\\w+)`")
	next := 1
	for line := range strings.Lines(string(page)) {
		for _, n := range named.FindAllStringSubmatch(line, -1) {
			if !tests[n[1]] {
				t.Errorf("%s does not exist", n[1])
			}
		}
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != strconv.Itoa(next) {
			t.Errorf("row %s where %d was expected", m[1], next)
		}
		next++
		if m[2] == "yes" && !named.MatchString(m[4]) {
			t.Errorf("row %s names no test", m[1])
		}
		if m[2] != "yes" && strings.TrimSpace(m[3]) == "" {
			t.Errorf("row %s does not say why", m[1])
		}
	}
	if next != 77 {
		t.Errorf("%d rows, expected 76", next-1)
	}
}
