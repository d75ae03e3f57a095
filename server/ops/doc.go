// Package ops is the dashboard of a game server: what operators look at when
// somebody says that it stutters, and what they may do about it.
//
// # What it owns
//
// A [Dashboard] is a Socket.IO server of its own, with the namespace /ops, and
// the page that connects to it. It knows the scheduler of the ticks and, through
// [House] and [Traces], what else there is to show and to do. It is read-only
// towards the ticks: it takes their accounts from other goroutines, and puts
// nothing on the workers.
//
// # Who looks costs
//
// One goroutine, the sampler, reads the accounts every [SampleEvery], but only
// while somebody watches; with nobody there it sleeps. It alone owns all that is
// remembered: nothing here has a lock. What a page that does not read costs is
// bounded by the constants of limits.go, whatever happens.
//
// # Frames
//
// Everything that changes comes in one event, frame. It is made for one watcher
// and tells what has changed since an earlier frame, its base: the last one that
// the connection took with nothing ahead of it. One that had to wait is replaced
// by the next, which has the same base and tells all of it again, newer. So a page
// behind a slow line gets fewer frames, each complete, and never a queue of old
// ones. The page's part is one rule: a frame takes the place of those before it
// that have the same base.
//
// # Who may
//
// A token, in the CONNECT's auth, is asked for if there is one; no cookie or
// header counts, so nothing rides along with a request that a foreign page makes.
// The Origin must be the host that was asked, token or not. What an operator does
// is logged with who it was, and counted.
//
// # The end
//
// [Dashboard.Shutdown] closes every connection, then the sampler.
package ops
