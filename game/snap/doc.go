// Package snap turns typed sets of entities into snapshots.
package snap
