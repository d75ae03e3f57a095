package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// adminFlags say where a running server's admin listener is.
type adminFlags struct {
	URL   string `default:"http://127.0.0.1:9090" env:"GAMESERVER_ADMIN_URL" placeholder:"URL" help:"Admin address of the running server (${default})."`
	Token string `env:"GAMESERVER_ADMIN_TOKEN" placeholder:"TOKEN" help:"What its --admin-token is."`
}

// adminClient speaks to the admin listener of a running server.
type adminClient struct {
	base  *url.URL
	token string
	http  http.Client
}

// client checks the flags.
func (f *adminFlags) client() (*adminClient, error) {
	text := f.URL
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usage("--url %s: want something like http://127.0.0.1:9090", f.URL)
	}
	return &adminClient{base: u, token: f.Token}, nil
}

// do sends a request and returns the body of a good answer, at most so many
// bytes. A bad one becomes a sentence that says what to do.
func (c *adminClient) do(ctx context.Context, method, path string, query url.Values, most int64) ([]byte, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && c.token == "":
		return nil, fmt.Errorf("the server at %s asks for a token: pass --token, or set GAMESERVER_ADMIN_TOKEN", c.base)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("the server at %s has another token: --token must be its --admin-token", c.base)
	case resp.StatusCode == http.StatusConflict, resp.StatusCode == http.StatusTooManyRequests,
		resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusForbidden,
		resp.StatusCode == http.StatusNotFound && strings.HasPrefix(path, "/debug/traces/"):
		return nil, fmt.Errorf("the server says: %s", sentence(body))
	case resp.StatusCode != http.StatusOK:
		return nil, c.stranger(resp.Status)
	case int64(len(body)) > most:
		return nil, fmt.Errorf("the server at %s answers more than %d bytes", c.base, most)
	}
	return body, nil
}

// stranger is the error for something that does not answer like this server.
func (c *adminClient) stranger(what string) error {
	return fmt.Errorf("%s answers (%s), but not like the admin address of a game server; it is --admin of the server, 127.0.0.1:9090 by default, and not where players connect", c.base, what)
}

// explain says what a failed request means.
func (c *adminClient) explain(ctx context.Context, err error) error {
	var dns *net.DNSError
	var record tls.RecordHeaderError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: is the server running, and is that its --admin address?", c.base)
	case errors.As(err, &dns):
		return fmt.Errorf("there is no host %s", c.base.Hostname())
	case errors.As(err, &record):
		return fmt.Errorf("%s does not speak TLS: the admin address is plain http", c.base)
	default:
		return fmt.Errorf("asking %s: %w", c.base, err)
	}
}

// sentence is an answer in one line, for people.
func sentence(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	return text[:min(len(text), 300)]
}

const (
	askTime    = 10 * time.Second // for an answer that needs no work
	maxAccount = 16 << 20         // bytes of /debug/ticks
)

// ticks asks for the account.
func (c *adminClient) ticks(ctx context.Context, rows string) (a tickAccount, raw []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	raw, err = c.do(ctx, http.MethodGet, "/debug/ticks", url.Values{"matches": {rows}}, maxAccount)
	if err != nil {
		return a, nil, err
	}
	if json.Unmarshal(raw, &a) != nil || a.Timer == "" {
		return a, nil, c.stranger("200 OK")
	}
	return a, raw, nil
}
