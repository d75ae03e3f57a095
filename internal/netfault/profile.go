package netfault

import (
	"fmt"
	"time"
)

// Profile is how one direction of a link behaves. The zero Profile is perfect.
type Profile struct {
	Delay  time.Duration // one way
	Jitter time.Duration // of the delay, uniformly more or less
	Rate   int           // bytes a second, 0: no bound
	Buffer int           // bytes in flight and waiting, 0: BufferDefault
	// SlotMin and SlotMax are the times between two openings of a radio's gate;
	// 0: always open.
	SlotMin, SlotMax time.Duration
	// Loss is the share of segments that are lost, and Burst how many in a row on
	// average; 0 means 1.
	Loss, Burst float64
}

// Both is what the two directions of a connection do.
type Both struct{ Up, Down Profile }

// Same is a link that is equal in both directions.
func Same(p Profile) Both { return Both{p, p} }

// Names are the profiles that Named knows, from good to bad.
var Names = []string{"lan", "fibre", "wifi", "4g", "bad"}

// Named returns a profile by name. Delays are one way: a ping takes twice as long.
func Named(name string) (Both, error) {
	const ms = time.Millisecond
	switch name {
	case "lan":
		return Same(Profile{}), nil
	case "fibre":
		return Same(Profile{Delay: 20 * ms, Jitter: 2 * ms, Loss: .0005}), nil
	case "wifi":
		return Same(Profile{Delay: 30 * ms, Jitter: 10 * ms, SlotMin: 2 * ms, SlotMax: 10 * ms, Loss: .005}), nil
	case "4g":
		return Same(Profile{Delay: 60 * ms, Jitter: 30 * ms, Loss: .01, Burst: 3}), nil
	case "bad":
		return Same(Profile{Delay: 120 * ms, Jitter: 50 * ms, Loss: .03}), nil
	case "bloat":
		narrow := Profile{Delay: 10 * ms, Rate: 1e6 / 8, Buffer: 1e6 / 8 / 5}
		return Both{Up: Profile{Delay: 10 * ms}, Down: narrow}, nil
	}
	return Both{}, fmt.Errorf("no profile %q, want bloat or one of %v", name, Names)
}

// Check refuses what no link does.
func (p Profile) Check() error {
	for _, d := range []time.Duration{p.Delay, p.Jitter, p.SlotMin, p.SlotMax} {
		if d < 0 || d > DelayMax {
			return fmt.Errorf("netfault: %v is not between 0 and %v", d, DelayMax)
		}
	}
	switch {
	case p.Jitter > p.Delay:
		return fmt.Errorf("netfault: jitter %v is more than the delay %v", p.Jitter, p.Delay)
	case p.SlotMin > p.SlotMax:
		return fmt.Errorf("netfault: slots from %v to %v", p.SlotMin, p.SlotMax)
	case p.Rate < 0:
		return fmt.Errorf("netfault: rate %d", p.Rate)
	case p.Buffer < 0 || p.Buffer > BufferMax || p.Buffer > 0 && p.Buffer < SegmentBytes:
		return fmt.Errorf("netfault: buffer %d is not between %d and %d", p.Buffer, SegmentBytes, BufferMax)
	case !(p.Loss >= 0 && p.Loss < 1) || !(p.Burst == 0 || p.Burst >= 1):
		return fmt.Errorf("netfault: loss %v in bursts of %v", p.Loss, p.Burst)
	}
	return nil
}

func (p Profile) buffer() int {
	if p.Buffer == 0 {
		return BufferDefault
	}
	return p.Buffer
}
