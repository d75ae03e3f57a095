// Package timing runs matches without sockets and records when their ticks begin:
// on this project's scheduler, and on what else a Go program could do.
//
// Every tick is owed on an absolute schedule. How late it begins is counted from
// the instant it was due, and one that never ran counts as late until the end, so
// that no way of keeping time can hide what it has left out.
package timing
