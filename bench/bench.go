package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// bench is shared by all sections.
type bench struct {
	options
	// dir is the folder for temporary files: logs, configuration, binaries.
	dir string
	// bare and original are yardsticks: a bare net/http server, and a service that calls AWS
	// on every request.
	bare, original string
}

func newBench(ctx context.Context, o options) (*bench, error) {
	if _, err := os.Stat(o.binary); err != nil {
		return nil, fmt.Errorf("the binary to measure: %w (make build)", err)
	}
	dir, err := os.MkdirTemp("", "lsapi-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, dir: dir, bare: filepath.Join(dir, "yardstick"), original: filepath.Join(dir, "original")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "./bench/yardstick", "./bench/original")
	if out, err := build.CombinedOutput(); err != nil {
		b.close()
		return nil, fmt.Errorf("build the yardsticks: %w\n%s", err, out)
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// file returns a path in the folder of the run.
func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

// newRecord returns the URL of a new record.
func (b *bench) newRecord() (string, error) {
	folder, err := os.MkdirTemp(b.dir, "record-")
	return recordIn(folder), err
}

// recordIn returns the URL of the record in a folder.
func recordIn(folder string) string { return "sqlite:" + filepath.Join(folder, "lsapi.db") }

// lasting returns the duration of a measurement: a second in a quick run.
func (b *bench) lasting(d time.Duration) time.Duration {
	if b.quick {
		return min(d, time.Second)
	}
	return d
}

// times returns the number of repetitions: one in a quick run.
func (b *bench) times(n int) int {
	if b.quick {
		return 1
	}
	return n
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// together runs a function for all items concurrently, and returns the first error in
// their order.
func together[T any](all []T, do func(*T) error) error {
	problems := make([]error, len(all))
	var running sync.WaitGroup
	for i := range all {
		running.Go(func() { problems[i] = do(&all[i]) })
	}
	running.Wait()
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
}
