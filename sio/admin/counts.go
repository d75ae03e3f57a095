package admin

import (
	"sync"
	"time"

	"gameserver/engine"
)

// count is what happened within one second.
type count struct {
	Timestamp int64  `json:"timestamp"` // of the second's start, in ms
	Type      string `json:"type"`
	SubType   string `json:"subType,omitempty"`
	Count     int64  `json:"count"`
}

// counts collects them between two reports.
type counts struct {
	mu   sync.Mutex // guards the following
	last engine.Stats
	list []count
}

func (c *counts) begin(s engine.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = s
}

// add counts something now.
func (c *counts) add(kind, sub string, n int64) { c.addAt(time.Now(), kind, sub, n) }

func (c *counts) addAt(now time.Time, kind, sub string, n int64) {
	if n == 0 {
		return
	}
	at := now.Unix() * 1000
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.list) - 1; i >= 0; i-- {
		if e := &c.list[i]; e.Timestamp == at && e.Type == kind && e.SubType == sub {
			e.Count += n
			return
		}
	}
	if len(c.list) < maxCounted {
		c.list = append(c.list, count{at, kind, sub, n})
	}
}

// sample counts what the engine has counted since the last time.
func (c *counts) sample(s engine.Stats, now time.Time) {
	c.mu.Lock()
	last := c.last
	c.last = s
	c.mu.Unlock()
	c.addAt(now, "rawConnection", "", s.Opened-last.Opened)
	c.addAt(now, "packetsIn", "", s.PacketsIn-last.PacketsIn)
	c.addAt(now, "packetsOut", "", s.PacketsOut-last.PacketsOut)
	c.addAt(now, "bytesIn", "", s.BytesIn-last.BytesIn)
	c.addAt(now, "bytesOut", "", s.BytesOut-last.BytesOut)
}

func (c *counts) take() []count {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	if list == nil {
		list = []count{}
	}
	return list
}
