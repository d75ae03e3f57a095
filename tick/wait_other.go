//go:build !linux

package tick

import "errors"

func newKernelTimer(*clock) (timer, error) {
	return nil, errors.ErrUnsupported
}
