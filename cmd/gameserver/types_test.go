package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPageTypesAreFresh compares the types that the page is written against with
// what this server says.
func TestPageTypesAreFresh(t *testing.T) {
	const file = "web/src/generated/protocol.d.ts"
	code, out, errs := run(t, nil, "types")
	require.Zero(t, code, errs)
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(page), out, "go run ./cmd/gameserver types --out cmd/gameserver/%s", file)
}

// TestProtocolPageCompiles has the compiler read the TypeScript of
// docs/PROTOCOL.md, with the types that this server writes.
func TestProtocolPageCompiles(t *testing.T) {
	modules, err := filepath.Abs("web/node_modules")
	require.NoError(t, err)
	tsc := filepath.Join(modules, "typescript", "lib", "tsc.js")
	require.FileExists(t, tsc, "run scripts/npm-ci cmd/gameserver/web first")
	page, err := os.ReadFile("../../docs/PROTOCOL.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```ts\n(.*?)^```$").FindAllSubmatch(page, -1)
	require.Len(t, blocks, 1)

	dir := t.TempDir()
	require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	program := filepath.Join(dir, "program.ts")
	require.NoError(t, os.WriteFile(program, blocks[0][1], 0o600))
	code, _, errs := run(t, nil, "types", "--out", filepath.Join(dir, "protocol.d.ts"))
	require.Zero(t, code, errs)
	cmd := exec.CommandContext(t.Context(), "node", tsc, "--noEmit", "--strict", "--types", "",
		"--target", "ES2022", "--module", "ESNext", "--moduleResolution", "bundler", program)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
