package engine

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// refusal is an error answer of the protocol.
type refusal struct {
	code    int
	status  int
	message string
	reason  string        // for Config.Refused
	retry   time.Duration // not before; zero says nothing
}

// The refusals that the reference server knows, and one of ours.
func refuseTransport() *refusal {
	return &refusal{0, http.StatusBadRequest, "Transport unknown", "unknown_transport", 0}
}

func refuseSID() *refusal {
	return &refusal{1, http.StatusBadRequest, "Session ID unknown", "unknown_sid", 0}
}

func refuseMethod() *refusal {
	return &refusal{2, http.StatusBadRequest, "Bad handshake method", "bad_method", 0}
}

func refuseRequest() *refusal {
	return &refusal{3, http.StatusBadRequest, "Bad request", "bad_request", 0}
}

func refuseForbidden(message string) *refusal {
	return &refusal{4, http.StatusForbidden, message, "forbidden", 0}
}

func (s *Server) refuseOrigin() *refusal {
	no := refuseForbidden("Forbidden")
	no.reason = "origin"
	if s.cfg.OriginHint != "" {
		no.message += ": " + s.cfg.OriginHint
	}
	return no
}

func refuseVersion() *refusal {
	return &refusal{5, http.StatusBadRequest, "Unsupported protocol version", "bad_version", 0}
}

func refuseOverload() *refusal {
	return &refusal{6, http.StatusServiceUnavailable, "Service unavailable", "overloaded", overloadRetry}
}

func refuseRate(retry time.Duration) *refusal {
	return &refusal{7, http.StatusTooManyRequests, "Too many requests", "rate_limited", retry}
}

// request is a validated request.
type request struct {
	query     url.Values
	conn      *Conn // nil: a new session is asked for
	websocket bool
	jsonp     string // index of the callback; "" is plain polling
	dialect   dialect
	known     bool // the dialect is one that is allowed
	from      client
	id        string // of the session that is asked for
	pass      pass   // and its place in its networks
}

// verify judges a request in the order of the reference server. friendly says
// that its Origin is allowed.
func (s *Server) verify(r *http.Request, from client, friendly bool) (request, *refusal) {
	req := request{websocket: headerToken(r.Header, "Upgrade", "websocket"), from: from}
	if len(r.URL.RawQuery) > maxQuery || r.Method == http.MethodGet && r.ContentLength != 0 {
		return req, refuseRequest()
	}
	req.query = r.URL.Query()
	transport := req.query.Get("transport")
	switch {
	case transport == transportPolling && !s.cfg.NoPolling:
	case transport == transportWebSocket && !s.cfg.NoWebSocket:
	default:
		return req, refuseTransport()
	}
	req.dialect, req.known = s.dialectOf(req.query)
	var ok bool
	if req.jsonp, ok = jsonpIndex(req.query); !ok {
		return req, refuseRequest()
	}
	if !cleanOrigin(r.Header) {
		return req, refuseRequest()
	}
	if !friendly {
		return req, s.refuseOrigin()
	}
	if sid := req.query.Get("sid"); sid != "" {
		return s.verifySession(req, sid, transport)
	}
	no := s.verifyHandshake(r, &req, transport)
	return req, no
}

func (s *Server) verifySession(req request, sid, transport string) (request, *refusal) {
	if req.conn = s.lookup(sid); req.conn == nil {
		if retry, ok := s.limiter.miss(req.from.addr, time.Since(s.started)); !ok {
			return req, refuseRate(retry)
		}
		return req, refuseSID()
	}
	if req.websocket != (transport == transportWebSocket) {
		return req, refuseRequest()
	}
	if !req.websocket && transport != req.conn.Transport() {
		return req, refuseRequest()
	}
	if !req.known || req.dialect.protocol() != req.conn.Protocol() {
		return req, refuseRequest()
	}
	return req, nil
}

func (s *Server) verifyHandshake(r *http.Request, req *request, transport string) *refusal {
	if r.Method != http.MethodGet {
		return refuseMethod()
	}
	if req.websocket != (transport == transportWebSocket) {
		return refuseRequest()
	}
	var retry time.Duration
	var ok bool
	if req.pass, retry, ok = s.limiter.enter(req.from.addr, time.Since(s.started)); !ok {
		return refuseRate(retry)
	}
	if s.cfg.AllowRequest != nil {
		if err := s.cfg.AllowRequest(r); err != nil {
			return refuseForbidden(err.Error())
		}
	}
	if !req.known {
		return refuseVersion()
	}
	return nil
}

// verifyUpgrade holds a WebSocket request to its RFC, more strictly than the
// library behind it does.
func verifyUpgrade(r *http.Request) bool {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	return err == nil && len(key) == 16 &&
		r.Method == http.MethodGet && r.ProtoMajor == 1 &&
		headerToken(r.Header, "Connection", "upgrade") &&
		r.Header.Get("Sec-WebSocket-Version") == "13"
}

// headerToken reports whether a comma separated header holds exactly token.
func headerToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// answer writes a refusal the way the kind of request expects it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, websocket bool, no *refusal) {
	s.refused("http", no.reason)
	if s.cfg.ConnectionError != nil {
		s.cfg.ConnectionError(no.code, no.message, r)
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if no.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((no.retry+time.Second-1)/time.Second)))
	}
	if websocket {
		h.Set("Connection", "close")
		h.Set("Content-Type", "text/html")
		h.Set("X-Content-Type-Options", "nosniff")
		status := no.status
		if status == http.StatusForbidden {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(html.EscapeString(no.message)))
		return
	}
	h.Set("Content-Type", "application/json")
	// Marshalling an int and a string cannot fail.
	body, _ := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{no.code, no.message})
	w.WriteHeader(no.status)
	_, _ = w.Write(body)
}

// entrance is what a session keeps of the request that opened it: as few bytes
// as say it, because most sessions are never asked.
type entrance struct {
	addr, uri, header string
	secure            bool
	at                time.Time
}

func newEntrance(r *http.Request, secure bool) entrance {
	var header strings.Builder
	for name, values := range r.Header {
		for _, v := range values {
			header.WriteString(name)
			header.WriteByte(':')
			header.WriteString(v)
			header.WriteByte('\n') // which no value has
		}
	}
	return entrance{addr: r.RemoteAddr, uri: r.URL.RequestURI(), header: header.String(), secure: secure, at: time.Now()}
}

func (e *entrance) handshake() *Handshake {
	hs := &Handshake{RemoteAddr: e.addr, Header: http.Header{}, URL: e.uri, Secure: e.secure, Time: e.at}
	for line := range strings.Lines(e.header) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		hs.Header[name] = append(hs.Header[name], value)
	}
	hs.CrossDomain = hs.Header.Get("Origin") != ""
	_, query, _ := strings.Cut(e.uri, "?")
	hs.Query, _ = url.ParseQuery(query) // what is malformed was refused
	return hs
}

// ServeHTTP serves one request of the protocol, whatever its path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// It also bounds what net/http reads of a body that nobody wanted, and so
		// it is lifted only when a body was read to its end.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	r, from := s.locate(r)
	w.Header().Add("Vary", "Origin")
	friendly, listed := false, false
	if cleanOrigin(r.Header) {
		friendly, listed = s.allowedOrigin(r, from)
	}
	if friendly {
		allowOrigin(w.Header(), r, listed && s.cfg.CORSCredentials)
		if r.Method == http.MethodOptions {
			preflight(w, r)
			return
		}
	}
	req, no := s.verify(r, from, friendly)
	placed := false
	defer func() { // also when a hook panics
		if !placed {
			s.limiter.leave(req.pass)
		}
	}()
	if no == nil && req.websocket && !verifyUpgrade(r) {
		no = refuseRequest()
	}
	if no == nil && req.conn == nil {
		if req.id, no = s.newID(); no == nil && !s.reserve() {
			no = refuseOverload()
		}
	}
	if no != nil {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // or net/http waits for the body
		}
		s.answer(w, r, req.websocket, no)
		return
	}
	placed = true
	s.dispatch(w, r, &req)
}

// dispatch serves a request that is in order.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, req *request) {
	switch {
	case req.websocket && req.conn == nil:
		s.openWebSocket(w, r, req, newEntrance(r, req.from.secure))
	case req.websocket:
		s.openCandidate(w, r, req)
	case req.conn == nil:
		s.openPolling(w, r, req, newEntrance(r, req.from.secure))
	case r.Method == http.MethodGet:
		req.conn.get(&wish{w: w, r: r, jsonp: req.jsonp})
	case r.Method == http.MethodPost:
		req.conn.post(w, r, req.jsonp != "")
	default:
		s.answer(w, r, false, refuseRequest())
	}
}
