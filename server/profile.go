package server

import (
	"os"

	"github.com/pkg/profile"
)

// startProfile begins a profile of the process and returns what ends it and
// writes the file. An empty kind does nothing.
func startProfile(kind, dir string) (stop func(), err error) {
	var mode func(*profile.Profile)
	switch kind {
	case "":
		return func() {}, nil
	case "cpu":
		mode = profile.CPUProfile
	case "mem":
		mode = profile.MemProfile
	case "block":
		mode = profile.BlockProfile
	case "mutex":
		mode = profile.MutexProfile
	case "goroutine":
		mode = profile.GoroutineProfile
	case "trace":
		mode = profile.TraceProfile
	default:
		return nil, usage("--profile %s: there is no such profile", kind)
	}
	// The profile package ends the process when it cannot write; ask first.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, usage("--profile-dir: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".profile-*")
	if err != nil {
		return nil, usage("--profile-dir: %w", err)
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return profile.Start(mode, profile.ProfilePath(dir), profile.NoShutdownHook, profile.Quiet).Stop, nil
}
