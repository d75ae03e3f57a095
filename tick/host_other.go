//go:build !linux

package tick

// runtimeHost knows what the runtime knows, and nothing of threads.
type runtimeHost struct{ *evidence }

func newHost(clk *clock) host { return runtimeHost{newEvidence(clk)} }

func (runtimeHost) sample(*worker) sample             { return sample{} }
func (runtimeHost) stolen(_, _ int64) int64           { return 0 }
func (runtimeHost) known(int) sample                  { return sample{} }
func (runtimeHost) count(int64)                       {}
func (runtimeHost) used(_, _ int64) (ran, wait int64) { return 0, 0 }
func (runtimeHost) close()                            {}

type threadFile struct{}

func (*threadFile) close() {}
