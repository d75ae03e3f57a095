// Package e2e holds the end-to-end tests: the built server as a process of its
// own, spoken to by the official JavaScript client in Node processes, by
// Debian's python3-socketio, and by the page in a real Chromium. It has no code
// but tests; the scripts that the other processes run are in js/.
//
// The conformance tests speak to cmd/conformance: byte by byte, rule by rule
// (TestSocketIORules and its neighbours); through the official client
// (js/conformance); and beside the Node reference (js/reference.mjs), whose
// transcripts of generated scripts must be the same but for
// docs/DIFFERENCES.md. Two variables make them longer than CI has time for:
// DIFFERENTIAL=n plays n scripts, CHURN=n lets n sessions come and go.
package e2e
