package main

import "time"

const (
	// botsMax bounds the bots of one process: two descriptors each must fit.
	botsMax = 5000
	// playMax bounds the measured time.
	playMax = 10 * time.Minute
	// joinAtOnce is how many bots are joining at any one time.
	joinAtOnce = 32
	// sessionsMax bounds the raw sessions of one command, a descriptor each.
	sessionsMax = 16_000
	// roundsMax bounds how often a command measures the same.
	roundsMax = 100
	// memberPatience is how long a raw session waits for an answer.
	memberPatience = 20 * time.Second
	// latencyMaxUs is the largest latency the histograms tell apart, in µs.
	latencyMaxUs = 60_000_000
	// sentRing is how many inputs a bot remembers while unacknowledged.
	sentRing = 256
	// sampleMax is of how many players snapshots are decoded and compared.
	sampleMax = 20
	// repsMax bounds the repetitions of a comparison.
	repsMax = 100
	// frameBytesMax bounds a frame that a floor program sends.
	frameBytesMax = 1 << 20
	// recorderRoundsMax bounds the rounds of the command recorder.
	recorderRoundsMax = 20
	// metricsMax is how much of the server's metrics is read.
	metricsMax = 4 << 20
)
