package main

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// fault is what is wrong with the game. Each is a mistake that people make.
type fault string

const (
	faultStall fault = "stall" // a step waits for something slow
	faultLoop  fault = "loop"  // a step computes for long
	faultStorm fault = "storm" // a step allocates very much
	faultLock  fault = "lock"  // a step waits for a mutex that another goroutine holds
)

// goWrong is where the faults of single steps happen.
func (g *meadow) goWrong(sh *sheep) {
	switch g.fault {
	case faultStall:
		sh.askOracle()
	case faultLoop:
		sh.findPath()
	case faultStorm:
		sh.describe()
	case faultLock: // is in archive
	}
}

// askOracle asks a service about the sheep, and waits for the answer.
//
//go:noinline
func (sh *sheep) askOracle() { time.Sleep(30 * time.Millisecond) }

// findPath tries every way to the other side of the meadow.
//
//go:noinline
func (sh *sheep) findPath() {
	best := math.Inf(1)
	for turn := range 5_000_000 {
		way := math.Hypot(sh.X-float64(turn%1000), sh.Y-float64(turn/5000))
		best = min(best, way)
	}
	sh.angle += best * 1e-9
}

// describe writes a diary of the sheep's life, and throws it away.
//
//go:noinline
func (sh *sheep) describe() {
	diary := map[int]string{}
	for day := range 40_000 {
		diary[day] = fmt.Sprintf("day %d: at %.1f, %.1f there was grass", day, sh.X, sh.Y)
	}
	sh.angle += float64(len(diary)) * 1e-12
}

// archive keeps what happened. A goroutine writes it down every two seconds, and
// holds the mutex while it does.
type archive struct {
	quit chan struct{}

	mu    sync.Mutex // guards the following
	steps int
}

func newArchive() *archive {
	a := &archive{quit: make(chan struct{})}
	go a.run()
	return a
}

func (a *archive) close() { close(a.quit) }

func (a *archive) run() {
	t := time.NewTicker(2 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			a.writeDown()
		case <-a.quit:
			return
		}
	}
}

// writeDown writes to a slow disk.
//
//go:noinline
func (a *archive) writeDown() {
	a.mu.Lock()
	time.Sleep(40 * time.Millisecond)
	a.mu.Unlock()
}

// note is called in every step.
//
//go:noinline
func (a *archive) note(step int) {
	a.mu.Lock()
	a.steps = step
	a.mu.Unlock()
}
