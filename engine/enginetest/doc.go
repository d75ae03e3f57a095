// Package enginetest has what tests of package engine and of those above it
// need: an in-memory connection that works inside testing/synctest, a listener
// of such connections, and a client that speaks WebSocket and Engine.IO byte by
// byte, so that a test can also say what no library would.
//
// Nothing here is for production, and nothing here checks for misuse.
package enginetest
