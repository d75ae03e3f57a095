package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gameserver/bench/tape"
	"gameserver/bench/workload"
)

// rivalSchema is the Node program in bench/rivals-bytes.
type rivalSchema struct{ dir string }

// openRival installs what the program needs.
func openRival(ctx context.Context) (*rivalSchema, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(root, "bench", "rivals-bytes")
	out, err := exec.CommandContext(ctx, filepath.Join(root, "scripts", "npm-ci"), dir).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("scripts/npm-ci: %w: %s", err, out)
	}
	return &rivalSchema{dir}, nil
}

// moduleRoot is the folder of this module's source.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("this must run inside the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// measure returns the bytes of one patch on the wire and how many were decoded
// and found right.
func (r *rivalSchema) measure(ctx context.Context, f *sceneFile) (perSnapshot float64, checked int, err error) {
	if err := f.close(); err != nil {
		return 0, 0, err
	}
	cmd := exec.CommandContext(ctx, "node", "--max-old-space-size=4096", filepath.Join(r.dir, "schema.mjs"), f.name)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("schema.mjs: %w: %s", err, errs.String())
	}
	var said struct {
		Sizes   [][]int
		Checked int
	}
	if err := json.Unmarshal(out, &said); err != nil {
		return 0, 0, fmt.Errorf("schema.mjs: %w", err)
	}
	sum, n := 0, 0
	for _, row := range said.Sizes {
		for _, size := range row {
			// A room prefixes a patch with the byte of its message type.
			sum += tape.FrameBytes(1 + size)
			n++
		}
	}
	return float64(sum) / float64(max(n, 1)), said.Checked, nil
}

// sceneFile is the scene as other programs read it: a line of JSON, then for
// each snapshot every entity and, for each player of the sample, whom that player
// sees and the checksum of it. A nil sceneFile takes nothing.
type sceneFile struct {
	name  string
	file  *os.File
	w     *bufio.Writer
	buf   []byte
	views bool
}

func newSceneFile(spec workload.Spec, frames int) (*sceneFile, error) {
	f, err := os.CreateTemp("", "scene")
	if err != nil {
		return nil, err
	}
	s := &sceneFile{name: f.Name(), file: f, w: bufio.NewWriter(f), views: spec.Radius > 0}
	head, err := json.Marshal(map[string]any{
		"entities": spec.Entities, "frames": frames, "seats": min(sampleMax, spec.Players), "views": s.views,
		"wide": spec.Side/workload.Quantum > math.MaxInt16,
	})
	if err != nil {
		return nil, err
	}
	_, err = s.w.Write(append(head, '\n'))
	return s, err
}

func (s *sceneFile) write(f *tape.Frame) error {
	if s == nil {
		return nil
	}
	le := binary.LittleEndian
	b := s.buf[:0]
	for _, r := range f.Rows {
		b = le.AppendUint32(le.AppendUint32(b, uint32(r.X)), uint32(r.Y))
		b = append(b, r.Angle, r.HP, r.Anim)
	}
	for _, seat := range f.Seats {
		if len(seat.Visible) == len(f.Rows) {
			b = le.AppendUint32(b, math.MaxUint32)
		} else {
			b = le.AppendUint32(b, uint32(len(seat.Visible)))
			for _, id := range seat.Visible {
				b = le.AppendUint32(b, id)
			}
		}
		b = le.AppendUint32(b, uint32(seat.Sum))
	}
	s.buf = b
	_, err := s.w.Write(b)
	return err
}

func (s *sceneFile) close() error { return errors.Join(s.w.Flush(), s.file.Close()) }

func (s *sceneFile) remove() {
	_ = s.file.Close()
	_ = os.Remove(s.name)
}
