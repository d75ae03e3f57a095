package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// ticksFlags are the flags of ticks.
type ticksFlags struct {
	adminFlags

	Once  bool          `env:"-" help:"Print once and end."`
	JSON  bool          `env:"-" name:"json" help:"Print what the server answers, one object a line."`
	Every time.Duration `env:"-" default:"1s" placeholder:"TIME" help:"How often to look (${default})."`
	Rows  int           `env:"-" default:"0" placeholder:"N" help:"Matches to show, slowest first; as many as fit if 0."`
}

// Escape sequences of a terminal.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"         // the alternate screen, without a cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"         // as it was
	home        = "\x1b[H"                       // to the upper left
	restOfLine  = "\x1b[K"                       // erase it
	restBelow   = "\x1b[J"                       // and everything below
	wrapOff     = "\x1b[?7l"                     // what is too long is cut, not continued
	wrapOn      = "\x1b[?7h"                     //
	plainRows   = 20                             // matches shown where there is no screen
	plainWidth  = 120                            // and columns
	watchLeast  = 100 * time.Millisecond         // shortest Every
	watchMost   = time.Hour                      // longest
	moreRows    = 4                              // matches beyond those that fit: their order changes
	fallbackW   = 80                             // of a terminal that does not say
	fallbackH   = 24                             //
	notAnswered = "\x1b[31mno answer\x1b[0m: %v" // on the screen, while it lasts
)

// watchTicks shows the ticks of a running server until ctx ends.
func watchTicks(ctx context.Context, f *ticksFlags, stdout io.Writer) error {
	if f.Every < watchLeast || f.Every > watchMost {
		return usage("--every %v: want %v to %v", f.Every, watchLeast, watchMost)
	}
	if f.Rows < 0 || f.Rows > TickRowsMost {
		return usage("--rows %d: want 0 to %d", f.Rows, TickRowsMost)
	}
	c, err := f.client()
	if err != nil {
		return err
	}
	term, isScreen := stdout.(*os.File)
	isScreen = isScreen && isTerminal(term) && !f.Once && !f.JSON
	if isScreen {
		return watchScreen(ctx, c, f, term)
	}
	return watchPlain(ctx, c, f, stdout)
}

// watchPlain prints one account after the other.
func watchPlain(ctx context.Context, c *adminClient, f *ticksFlags, stdout io.Writer) error {
	rows := f.Rows
	if rows == 0 {
		rows = plainRows
	}
	v := view{width: plainWidth, rows: rows, url: c.base.String()}
	for {
		a, raw, err := c.ticks(ctx, strconv.Itoa(rows))
		if err != nil {
			return orderly(err)
		}
		var out []byte
		if f.JSON {
			var line bytes.Buffer
			_ = json.Compact(&line, raw) // it was unmarshalled
			out = append(line.Bytes(), '\n')
		} else {
			out = append(v.frame(&a), '\n')
		}
		if _, err := stdout.Write(out); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if f.Once || !pause(ctx, f.Every, nil) {
			return nil
		}
	}
}

// watchScreen refreshes a terminal in place.
func watchScreen(ctx context.Context, c *adminClient, f *ticksFlags, term *os.File) error {
	// Whoever has no server yet is told so before the screen changes.
	a, _, err := c.ticks(ctx, "0")
	if err != nil {
		return orderly(err)
	}
	resized := make(chan os.Signal, 1)
	notifyResize(resized)
	defer signal.Stop(resized)
	if _, err := term.WriteString(enterScreen + wrapOff); err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	defer term.WriteString(wrapOn + leaveScreen) //nolint:errcheck // there is no other way to say it
	v := view{color: os.Getenv("NO_COLOR") == "", url: c.base.String()}
	for {
		w, h := terminalSize(term)
		v.width, v.height, v.rows = w, h, f.Rows
		fresh, _, err := c.ticks(ctx, strconv.Itoa(max(f.Rows, h)+moreRows))
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			a = fresh
			v.trouble = ""
		} else {
			v.trouble = fmt.Sprintf(notAnswered, err)
		}
		if _, err := term.Write(onScreen(v.frame(&a), h)); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		if !pause(ctx, f.Every, resized) {
			return nil
		}
	}
}

// onScreen makes the lines of a frame replace those on a screen.
func onScreen(frame []byte, height int) []byte {
	out := []byte(home)
	for i, line := range bytes.Split(bytes.TrimRight(frame, "\n"), []byte("\n")) {
		if i == height {
			break
		}
		if i > 0 {
			out = append(out, "\r\n"...)
		}
		out = append(append(out, line...), restOfLine...)
	}
	return append(out, restBelow...)
}

// pause waits, or less when the terminal changes its size. It reports whether to
// go on.
func pause(ctx context.Context, d time.Duration, resized <-chan os.Signal) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-resized:
	case <-t.C:
	}
	return true
}

// orderly is nil when somebody has pressed Ctrl-C.
func orderly(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// untilSignal is the context of a command that Ctrl-C ends.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
