package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

// dialPolling opens a session on polling and starts its goroutines.
func (c *Conn) dialPolling(ctx context.Context) error {
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            c.opts.Dial,
			TLSClientConfig:        c.opts.TLSConfig.Clone(),
			MaxIdleConnsPerHost:    2,
			DisableCompression:     true,
			MaxResponseHeaderBytes: headMax,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p := &poller{c: c}
	body, err := p.request(ctx, http.MethodGet, nil)
	if err == nil {
		body, err = p.first(body)
	}
	if err != nil {
		c.cancel()
		c.http.CloseIdleConnections()
		return err
	}
	c.requests = 1
	c.start(func() { p.poll(body) })
	c.start(c.post)
	if c.upgrades && c.opts.Transport == Upgrade {
		c.start(c.upgrade)
	}
	return nil
}

// poller reads a session by long-polling. One goroutine owns it.
type poller struct {
	c    *Conn
	buf  bytes.Buffer
	data []byte // scratch for decoded base64
}

// first takes the open packet off the first payload.
func (p *poller) first(body []byte) (rest []byte, err error) {
	packet, rest, _ := bytes.Cut(body, []byte{separator})
	if len(packet) == 0 || packet[0] != packetOpen {
		return nil, violation("first packet is not open")
	}
	return rest, p.c.open(packet[1:])
}

// poll reads until the session ends or leaves polling. It starts with the rest
// of the first payload, inside a request that is already counted: the upgrade
// waits until the packets of a poll have been handled.
func (p *poller) poll(body []byte) {
	for {
		err := p.payload(body)
		if err != nil {
			p.c.fail(ReasonParseError, err)
		}
		p.c.leave()
		if err != nil || !p.c.enter() {
			return
		}
		body, err = p.request(p.c.ctx, http.MethodGet, nil)
		if err != nil {
			p.c.fail(ReasonTransportError, err)
			p.c.leave()
			return
		}
	}
}

// payload acts on the packets of one poll.
func (p *poller) payload(body []byte) error {
	for len(body) > 0 {
		var packet []byte
		packet, body, _ = bytes.Cut(body, []byte{separator})
		if len(packet) > 0 && packet[0] == 'b' {
			n := base64.StdEncoding.DecodedLen(len(packet) - 1)
			p.data = slices.Grow(p.data[:0], n)[:n]
			n, err := base64.StdEncoding.Decode(p.data, packet[1:])
			if err != nil {
				return fmt.Errorf("%w: %w", errProtocol, err)
			}
			if n > p.c.opts.MaxPayload {
				return errTooLong
			}
			p.c.deliver(p.data[:n], true)
			continue
		}
		if len(packet) > p.c.opts.MaxPayload {
			return errTooLong
		}
		p.c.packet(packet)
	}
	return nil
}

// request does one polling request and returns the body of its answer, which
// lives until the next one.
func (p *poller) request(ctx context.Context, method string, payload []byte) ([]byte, error) {
	var send io.Reader
	if payload != nil {
		send = bytes.NewReader(payload)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.c.address("polling"), send)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, p.c.opts.Header)
	if h := p.c.opts.Header.Get("Host"); h != "" {
		req.Host = h
	}
	if payload != nil {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	resp, err := p.c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	limit := int64(p.c.opts.MaxPayload) * bodyFactor
	if resp.StatusCode != http.StatusOK {
		limit = errorBodyMax
	}
	if p.buf.Cap() > keepMax {
		p.buf = bytes.Buffer{}
	}
	p.buf.Reset()
	n, err := p.buf.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp.StatusCode, bytes.TrimSpace(p.buf.Bytes()))
	}
	if n > limit {
		return nil, errTooLong
	}
	return p.buf.Bytes(), nil
}

// enter begins a poll. It waits while the session is being upgraded and
// reports whether there is still something to poll for.
func (c *Conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.paused && !c.live && !c.ended.Load() {
		c.cond.Wait()
	}
	if c.live || c.ended.Load() {
		return false
	}
	c.requests++
	return true
}

// leave ends a polling request.
func (c *Conn) leave() {
	c.mu.Lock()
	c.requests--
	c.cond.Broadcast()
	c.mu.Unlock()
}

// take begins a POST: it waits for messages and moves them to buf. An ended
// session still says what it had to say.
func (c *Conn) take(buf []byte) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.live && !c.parted && (c.paused || c.queue.empty()) {
		c.cond.Wait()
	}
	if c.live || c.queue.empty() || c.ctx.Err() != nil {
		return nil, false
	}
	c.requests++
	buf = append(buf[:0], c.queue.buf...)
	c.queue.reset()
	return buf, true
}

// post writes until the session ends or leaves polling.
func (c *Conn) post() {
	p := &poller{c: c}
	var records, payload []byte
	for {
		rest, ok := c.take(records)
		if !ok {
			return
		}
		records = rest
		var err error
		for len(rest) > 0 && err == nil {
			payload, rest = appendPayload(payload[:0], rest, c.serverMax)
			_, err = p.request(c.ctx, http.MethodPost, payload)
		}
		if err != nil {
			c.fail(ReasonTransportError, err)
		}
		c.leave()
		if err != nil {
			return
		}
		if cap(records) > keepMax {
			records, payload = nil, nil
		}
	}
}
