package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	pollEvery   = time.Millisecond        // how exactly a start is timed
	startBound  = 10 * time.Second        // after which it has failed
	idleFor     = 3 * time.Second         // before memory is read
	stopBound   = 5 * time.Second         // for an end by SIGTERM
	benchToken  = "YmVuY2g6YmVuY2g="      // user and password "bench", for a process that ends with the run
	nowhere     = "http://127.0.0.1:9"    // an AWS that nothing listens on: it is not asked
	healthcheck = "http://%s/healthcheck" // what a start is complete with
)

// measureSize tells the size of the stripped binary.
func measureSize(_ context.Context, o options) ([]Row, error) {
	info, err := os.Stat(o.binary)
	if err != nil {
		return nil, fmt.Errorf("the binary to measure: %w (make build)", err)
	}
	size := figureOf([]int64{info.Size()}, mebibytes)
	return []Row{{Name: "binary, stripped", Unit: "MiB", Figure: size, AtMost: 28}}, nil
}

// measureStart times the way from the start of the process to the first 200 of
// its health check, and reads its memory when it has been idle for a while.
func measureStart(ctx context.Context, o options) ([]Row, error) {
	bare, remove, err := buildYardstick(ctx)
	if err != nil {
		return nil, err
	}
	defer remove()
	lsapi := command{o.binary, []string{"serve", "--env-file", os.DevNull, "--listen"}}
	yardstick := command{bare, []string{"-listen"}}

	var starts, bareStarts []time.Duration
	var memory, bareMemory []int64
	for i := range o.runs {
		idle := time.Duration(0)
		if i >= o.runs-3 {
			idle = idleFor // memory is steady enough for three readings
		}
		for _, m := range []struct {
			command command
			starts  *[]time.Duration
			memory  *[]int64
		}{{lsapi, &starts, &memory}, {yardstick, &bareStarts, &bareMemory}} {
			start, rss, err := m.command.startOnce(ctx, idle)
			if err != nil {
				return nil, err
			}
			*m.starts = append(*m.starts, start)
			if idle > 0 {
				*m.memory = append(*m.memory, rss)
			}
		}
	}
	bareStart, bareRSS := figureOf(bareStarts, milliseconds), figureOf(bareMemory, mebibytes)
	return []Row{
		{Name: "start to first 200", Unit: "ms", Figure: figureOf(starts, milliseconds), AtMost: 150, Yardstick: &bareStart},
		{Name: "resident memory, idle", Unit: "MiB", Figure: figureOf(memory, mebibytes), AtMost: 40, Yardstick: &bareRSS},
	}, nil
}

func buildYardstick(ctx context.Context) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "lsapi-bench-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	binary = filepath.Join(dir, "yardstick")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./bench/yardstick")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the yardstick: %w\n%s", err, out)
	}
	return binary, remove, nil
}

// command is a service that takes its address as the last argument.
type command struct {
	path string
	args []string
}

// startOnce starts the service, waits for its first 200, lets it idle, and stops
// it. rss is its resident memory in bytes at the end.
func (c command) startOnce(ctx context.Context, idle time.Duration) (start time.Duration, rss int64, err error) {
	address, err := freeAddress()
	if err != nil {
		return 0, 0, err
	}
	process := exec.CommandContext(ctx, c.path, append(slices.Clip(c.args), address)...)
	process.Env = append(os.Environ(), "API_TOKEN="+benchToken, "AWS_ENDPOINT_URL="+nowhere)
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = stopBound
	began := time.Now()
	if err := process.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait() // its end by a signal is not an error here
	}()
	if err := untilHealthy(ctx, address); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", c.path, err)
	}
	start = time.Since(began)
	time.Sleep(idle)
	rss, err = residentMemory(ctx, process.Process.Pid)
	return start, rss, err
}

// freeAddress returns a loopback address that was free a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func untilHealthy(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not healthy within %v", startBound)
		case <-poll.C:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf(healthcheck, address), http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue // it does not listen yet
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// residentMemory asks ps, which every Unix has.
func residentMemory(ctx context.Context, pid int) (bytes int64, err error) {
	out, err := exec.CommandContext(ctx, "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0, fmt.Errorf("ps: %w", err)
	}
	kibibytes, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return kibibytes << 10, err
}
