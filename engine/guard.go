package engine

import (
	"math"
	"sync/atomic"
)

// violation is the close code that a client's bytes have earned; 0 is none.
type violation uint16

const (
	violationProtocol violation = 1002
	violationFlood    violation = 1008
	violationTooLarge violation = 1009
)

// guardState says which byte of a frame comes next.
type guardState uint8

const (
	guardFirst   guardState = iota // FIN, RSV, opcode
	guardSecond                    // mask bit, length
	guardLength                    // extended length
	guardMask                      // masking key
	guardPayload                   // payload
)

// guard judges the raw bytes a client sends, before any parser sees them. It
// reads frame headers only, allocates nothing, and its verdict does not depend
// on how the bytes are cut into reads. One reader owns it.
type guard struct {
	// limit is the largest message, read when a length is complete.
	limit *atomic.Int64

	state     guardState
	op        byte
	fin       bool
	inMessage bool // a fragmented message is open
	more      uint8
	short     bool // the extended length has 2 bytes, not 8
	fragments uint8
	controls  uint8
	allowance uint8  // control frames that may come before the next refill
	length    uint64 // of the frame; in guardPayload what is left of it
	size      int64  // of the message so far
	messages  uint32 // completed data messages
	failed    violation
}

// Feed judges p, which continues what was fed before. It returns how many bytes
// may be passed on: all of them, or those before the byte that revealed a
// violation. After a violation it accepts nothing.
func (g *guard) Feed(p []byte) (int, violation) {
	if g.failed != 0 {
		return 0, g.failed
	}
	for i := 0; i < len(p); {
		switch g.state {
		case guardFirst:
			g.failed = g.first(p[i])
			i++
		case guardSecond:
			g.failed = g.second(p[i])
			i++
		case guardLength:
			g.failed = g.extended(p[i])
			i++
		case guardMask:
			k := min(int(g.more), len(p)-i)
			i += k
			if g.more -= uint8(k); g.more == 0 {
				g.state = guardPayload
				g.finish()
			}
		case guardPayload:
			k := min(g.length, uint64(len(p)-i))
			i += int(k)
			g.length -= k
			g.finish()
		}
		if g.failed != 0 {
			return i - 1, g.failed
		}
	}
	return len(p), 0
}

// mid reports whether a frame or a message has begun and not ended.
func (g *guard) mid() bool { return g.state != guardFirst || g.inMessage }

// refill allows control frames for another window. The caller has the clock.
func (g *guard) refill() { g.allowance = maxControlsWindow }

// spent reports whether any of the allowance is used up.
func (g *guard) spent() bool { return g.allowance < maxControlsWindow }

func (g *guard) first(b byte) violation {
	if b&bitsRSV != 0 {
		return violationProtocol
	}
	g.op, g.fin = b&0x0F, b&bitFin != 0
	g.state = guardSecond
	switch g.op {
	case opText, opBinary:
		if g.inMessage {
			return violationProtocol
		}
		g.size, g.fragments, g.controls = 0, 1, 0
		g.inMessage = !g.fin
	case opContinuation:
		if !g.inMessage {
			return violationProtocol
		}
		if g.fragments++; g.fragments > maxFragments {
			return violationTooLarge
		}
		g.inMessage = !g.fin
	case opClose, opPing, opPong:
		if !g.fin {
			return violationProtocol
		}
		if g.op == opClose { // there is one at most
			break
		}
		if g.controls++; g.controls > maxControls || g.allowance == 0 {
			return violationFlood
		}
		g.allowance--
	default:
		return violationProtocol
	}
	return 0
}

func (g *guard) second(b byte) violation {
	if b&bitMask == 0 {
		return violationProtocol
	}
	n := b &^ bitMask
	if g.op >= opClose && (n > maxControlPayload || g.op == opClose && n == 1) {
		return violationProtocol
	}
	g.length = 0
	switch n {
	case len16:
		g.state, g.more, g.short = guardLength, 2, true
		return 0
	case len64:
		g.state, g.more, g.short = guardLength, 8, false
		return 0
	default:
		g.length = uint64(n)
		return g.sized()
	}
}

func (g *guard) extended(b byte) violation {
	g.length = g.length<<8 | uint64(b)
	if g.more--; g.more > 0 {
		return 0
	}
	if g.length > math.MaxInt64 || g.length <= maxControlPayload || !g.short && g.length <= math.MaxUint16 {
		return violationProtocol // negative for a signed reader, or not minimal
	}
	return g.sized()
}

// sized is reached when the length of a frame is known.
func (g *guard) sized() violation {
	g.state, g.more = guardMask, 4
	if g.op >= opClose {
		return 0
	}
	limit := g.limit.Load()
	if g.length > math.MaxInt32 || g.size+int64(g.length) > limit {
		return violationTooLarge
	}
	g.size += int64(g.length)
	return 0
}

// finish ends the frame when its payload is complete.
func (g *guard) finish() {
	if g.length > 0 {
		return
	}
	g.state = guardFirst
	if g.op < opClose && g.fin {
		g.messages++
	}
}
