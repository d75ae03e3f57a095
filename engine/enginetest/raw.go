package enginetest

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// WebSocket opcodes.
const (
	OpContinuation = 0x0
	OpText         = 0x1
	OpBinary       = 0x2
	OpClose        = 0x8
	OpPing         = 0x9
	OpPong         = 0xA
)

// Fin is the bit of a frame's first byte that ends a message.
const Fin = 0x80

// Open is the content of an open packet.
type Open struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// ParseOpen reads an open packet.
func ParseOpen(packet string) (Open, error) {
	var o Open
	if !strings.HasPrefix(packet, "0") {
		return o, fmt.Errorf("enginetest: not an open packet: %.80q", packet)
	}
	err := json.Unmarshal([]byte(packet[1:]), &o)
	return o, err
}

// WS is the client side of a WebSocket, spoken byte by byte.
type WS struct {
	net.Conn
	R *bufio.Reader
}

// Upgrade sends the WebSocket handshake for a request URI over conn. A refusal
// is an error that holds the status line.
func Upgrade(conn net.Conn, uri string, headers ...string) (*WS, error) {
	_, ws, err := UpgradeHeader(conn, uri, headers...)
	return ws, err
}

// UpgradeHeader is Upgrade, and returns the headers of the answer too.
func UpgradeHeader(conn net.Conn, uri string, headers ...string) (http.Header, *WS, error) {
	req := "GET " + uri + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
		strings.Join(append(headers, "", ""), "\r\n")
	if _, err := io.WriteString(conn, req); err != nil {
		return nil, nil, err
	}
	ws := &WS{Conn: conn, R: bufio.NewReader(conn)}
	resp, err := http.ReadResponse(ws.R, nil)
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(resp.Body)
		return nil, nil, fmt.Errorf("enginetest: %s: %s", resp.Status, body)
	}
	if resp.Header.Get("Sec-WebSocket-Extensions") != "" {
		return nil, nil, fmt.Errorf("enginetest: extensions were granted")
	}
	return resp.Header, ws, nil
}

// DialWS connects to a TCP address and upgrades.
func DialWS(address, uri string, headers ...string) (*WS, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	ws, err := Upgrade(conn, uri, headers...)
	if err != nil {
		_ = conn.Close()
	}
	return ws, err
}

// OpenWS connects to a TCP address and reads the open packet of a new session.
func OpenWS(address string) (*WS, Open, error) {
	ws, err := DialWS(address, "/engine.io/?EIO=4&transport=websocket")
	if err != nil {
		return nil, Open{}, err
	}
	o, err := ws.ReadOpen()
	return ws, o, err
}

// ReadOpen reads the open packet.
func (w *WS) ReadOpen() (Open, error) {
	_, p, err := w.ReadFrame()
	if err != nil {
		return Open{}, err
	}
	return ParseOpen(string(p))
}

// ReadFrame reads one whole frame of the server, which is never masked.
func (w *WS) ReadFrame() (op byte, payload []byte, err error) {
	var h [10]byte
	if _, err = io.ReadFull(w.R, h[:2]); err != nil {
		return 0, nil, err
	}
	n := uint64(h[1])
	switch n {
	case 126:
		_, err = io.ReadFull(w.R, h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:4]))
	case 127:
		_, err = io.ReadFull(w.R, h[2:10])
		n = binary.BigEndian.Uint64(h[2:10])
	default:
	}
	if err != nil {
		return 0, nil, err
	}
	if h[0]&Fin == 0 || n > 1<<26 {
		return 0, nil, fmt.Errorf("enginetest: strange frame % x", h)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(w.R, payload)
	return h[0] & 0x0F, payload, err
}

// ReadText reads frames up to the next data frame and returns its payload. A
// close frame is a *CloseError.
func (w *WS) ReadText() (string, error) {
	for {
		op, p, err := w.ReadFrame()
		switch {
		case err != nil:
			return "", err
		case op == OpClose:
			return "", closeError(p)
		case op == OpText || op == OpBinary:
			return string(p), nil
		}
	}
}

// CloseError is a close frame of the server.
type CloseError struct {
	Code   int // 1005 if the frame had none
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string { return fmt.Sprintf("closed: %d %q", e.Code, e.Reason) }

func closeError(p []byte) error {
	if len(p) < 2 {
		return &CloseError{Code: 1005}
	}
	return &CloseError{int(binary.BigEndian.Uint16(p)), string(p[2:])}
}

// Frame returns a client frame: first is FIN, RSV and opcode. The mask is
// constant.
func Frame(first byte, payload []byte) []byte {
	b := AppendHeader(nil, first, len(payload))
	return append(b, Mask(payload)...)
}

// AppendHeader appends a minimal masked header that announces n bytes.
func AppendHeader(b []byte, first byte, n int) []byte {
	b = append(b, first)
	switch {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(b, maskKey...)
}

const maskKey = "\x12\x34\x56\x78"

// Mask returns payload masked with the key that AppendHeader announces.
func Mask(payload []byte) []byte {
	out := make([]byte, len(payload))
	for i, c := range payload {
		out[i] = c ^ maskKey[i&3]
	}
	return out
}

// Send writes a whole text frame.
func (w *WS) Send(text string) error {
	_, err := w.Write(Frame(Fin|OpText, []byte(text)))
	return err
}

// SendBinary writes a whole binary frame.
func (w *WS) SendBinary(p []byte) error {
	_, err := w.Write(Frame(Fin|OpBinary, p))
	return err
}
