package ops

import (
	"embed"
	"io/fs"
)

// dist is the built page; empty but for .gitkeep until `make web`.
//
//go:embed all:web/dist
var dist embed.FS

// Page returns the files of the page that connects to a Dashboard: to
// socket.io/ beside it.
func Page() fs.FS {
	files, err := fs.Sub(dist, "web/dist")
	if err != nil {
		panic(err) // the embedded path is a constant
	}
	return files
}
