package timing

import "time"

const (
	// MaxMatches bounds the matches of one run, and MaxTime how long it may take.
	MaxMatches = 16000
	MaxTime    = 10 * time.Minute
	// Players is how many bots play in a match.
	Players = 8
	// warmup is how long a run goes on before anything is recorded.
	warmup = time.Second
	// garbage is how much the match that wastes memory allocates at once.
	garbage = 64 << 10
)
