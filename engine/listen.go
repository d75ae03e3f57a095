package engine

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
)

// Listen listens on a TCP address with WrapListener around it.
func Listen(network, addr string) (net.Listener, error) {
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return WrapListener(ln), nil
}

// WrapListener returns a listener whose conns carry the non-blocking outbox
// themselves. With TLS, wrap before tls.NewListener does: then encrypted bytes
// are bounded like plain ones. A Server works with other listeners too; their
// TLS connections write through a goroutine while they have output.
func WrapListener(ln net.Listener) net.Listener { return wrapped{ln} }

type wrapped struct{ net.Listener }

// Accept waits for the next connection.
func (l wrapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &outConn{Conn: c, ob: newOutbox(c)}, nil
}

// outConn is a conn with an outbox. It blocks like any other until a Server
// takes it over.
type outConn struct {
	net.Conn
	ob    *outbox
	armed atomic.Bool
}

// Write writes, without blocking once the conn is armed.
func (c *outConn) Write(p []byte) (int, error) {
	if c.armed.Load() {
		return c.ob.Write(p)
	}
	return c.Conn.Write(p)
}

// Close closes the conn under the lock of its outbox.
func (c *outConn) Close() error {
	c.ob.kill()
	return nil
}

// isTimeout reports whether err is a deadline that passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
