package server

import (
	"time"

	"golang.org/x/time/rate"
)

// meter bounds how often one socket may do something. What is above the rate is
// refused; who goes on far above it is cut off. Nothing is allocated after it was
// made. Safe from any goroutine.
type meter struct {
	soft *rate.Limiter // what is taken
	hard *rate.Limiter // what is refused
}

// newMeter takes perSecond events a second and a burst after a pause. More than
// flood times the rate is borne for FloodTime.
func newMeter(perSecond, burst, flood int) meter {
	above := (flood - 1) * perSecond
	return meter{
		soft: rate.NewLimiter(rate.Limit(perSecond), burst),
		hard: rate.NewLimiter(rate.Limit(above), above*int(FloodTime/time.Second)),
	}
}

// verdict is what becomes of an event.
type verdict uint8

const (
	verdictTake verdict = iota
	verdictDrop         // above the rate
	verdictCut          // a flood
)

// count judges one more event. After verdictDrop the next one is taken when wait
// is over.
func (m meter) count(now time.Time) (v verdict, wait time.Duration) {
	r := m.soft.ReserveN(now, 1)
	wait = r.DelayFrom(now)
	if wait == 0 {
		return verdictTake, 0
	}
	r.CancelAt(now)
	if m.hard.AllowN(now, 1) {
		return verdictDrop, wait
	}
	return verdictCut, wait
}
