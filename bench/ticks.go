package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

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

// inputAccount is what the server's /metrics says of inputs, since its start.
type inputAccount struct{ Taken, Late float64 }

// inputsOf asks the server's admin listener.
func inputsOf(ctx context.Context, admin string) (inputAccount, error) {
	body, err := ask(ctx, admin+"/metrics")
	if err != nil {
		return inputAccount{}, err
	}
	defer body.Close()
	var a inputAccount
	lines := bufio.NewScanner(io.LimitReader(body, metricsMax))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "gs_inputs_total":
			a.Taken, err = strconv.ParseFloat(value, 64)
		case "gs_inputs_late_total":
			a.Late, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return a, err
		}
	}
	return a, lines.Err()
}

// ask gets a page.
func ask(ctx context.Context, url string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return resp.Body, nil
}

// ticksOf asks the server's admin listener.
func ticksOf(ctx context.Context, admin string) (tickAccount, error) {
	var a tickAccount
	body, err := ask(ctx, admin+"/debug/ticks")
	if err != nil {
		return a, err
	}
	defer body.Close()
	return a, json.NewDecoder(body).Decode(&a)
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
