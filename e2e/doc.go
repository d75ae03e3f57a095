// Package e2e holds the end-to-end tests: the built server as a process of its
// own, spoken to by the official JavaScript client in Node processes, by
// Debian's python3-socketio, and by the page in a real Chromium. It has no code
// but tests; the scripts that the other processes run are in js/.
package e2e
