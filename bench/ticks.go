package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tickAccount is what the server's /debug/ticks answers, since its start.
type tickAccount struct {
	Expected int64                 `json:"expected"`
	OnTime   int64                 `json:"onTime"`
	Skipped  int64                 `json:"skipped"`
	Lateness [][2]int64            `json:"lateness"`
	Duration [][2]int64            `json:"duration"`
	Phases   map[string][][2]int64 `json:"phases"`
}

// ticksOf asks the server's admin listener.
func ticksOf(ctx context.Context, admin string) (tickAccount, error) {
	var a tickAccount
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/debug/ticks", nil)
	if err != nil {
		return a, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s: %s", req.URL, resp.Status)
	}
	return a, json.NewDecoder(resp.Body).Decode(&a)
}

// since is the histogram of what came between two answers, in microseconds.
func since(before, after [][2]int64) *hdrhistogram.Histogram {
	h := newHistogram()
	old := make(map[int64]int64, len(before))
	for _, b := range before {
		old[b[0]] = b[1]
	}
	for _, b := range after {
		if n := b[1] - old[b[0]]; n > 0 {
			_ = h.RecordValues(min(b[0]/1000, latencyMaxUs), n)
		}
	}
	return h
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, latencyMaxUs, 3) }
