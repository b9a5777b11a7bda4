package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// measureSuite times make test as somebody who has just cloned the repository
// sees it: nothing is built yet, the modules are downloaded.
func measureSuite(ctx context.Context, o options) ([]Row, error) {
	if !o.suite {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "lsapi-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	clone, cache := filepath.Join(dir, "lsapi"), filepath.Join(dir, "cache")
	if out, err := exec.CommandContext(ctx, "git", "clone", "--quiet", ".", clone).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("git clone: %w\n%s", err, out)
	}
	test := exec.CommandContext(ctx, "make", "test")
	test.Dir = clone
	test.Env = append(os.Environ(), "GOCACHE="+cache)
	began := time.Now()
	if out, err := test.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make test: %w\n%s", err, out)
	}
	took := figureOf([]time.Duration{time.Since(began)}, time.Duration.Minutes)
	return []Row{{Name: "make test, nothing built yet", Unit: "min", Figure: took, AtMost: 5}}, nil
}
