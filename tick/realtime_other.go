//go:build !linux

package tick

import (
	"errors"
	"fmt"
)

type priority struct{}

func (*worker) enthrone() error {
	return fmt.Errorf("tick: real-time priority: %w", errors.ErrUnsupported)
}

func (*worker) relax(int64) {}

func (*worker) restore() {}
