package telemetry_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/telemetry"
)

// calls is a file that counts how often it is written to.
type calls struct {
	mu   sync.Mutex
	text bytes.Buffer
	n    int
}

func (c *calls) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.text.Write(p)
}

// read returns what was written, and by how many calls.
func (c *calls) read() (text string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String(), c.n
}

func TestAccessLinesShareASystemCallAndAreNotLate(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		synctest.Test(t, func(t *testing.T) {
			var file calls
			log := telemetry.NewLogger(telemetry.NewWriter(&file), telemetry.LogOptions{Format: format})
			for range 50 {
				logRequest(log, "/elb/x", "alice")
			}
			if _, n := file.read(); n != 0 {
				t.Errorf("%s: the first lines did not wait", format)
			}
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			text, n := file.read()
			if lines := strings.Count(text, "\n"); n != 1 || lines != 50 {
				t.Errorf("%s: after 100 ms there are %d lines by %d writes, want 50 by one", format, lines, n)
			}
		})
	}
}

func TestOtherLinesAreWrittenAtOnceBehindWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file calls
		log := telemetry.NewLogger(telemetry.NewWriter(&file), telemetry.LogOptions{})
		logRequest(log, "/elb/x", "alice")
		log.Warn("something")
		if text, _ := file.read(); strings.Count(text, "\n") != 2 || strings.Index(text, "something") < strings.Index(text, "/elb/x") {
			t.Errorf("the log is %q", text)
		}
	})
}

func TestWhatWaitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file calls
		w := telemetry.NewWriter(&file)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 64 {
			w.WriteSoon(line)
		}
		synctest.Wait()
		if text, _ := file.read(); len(text) <= 32<<10 {
			t.Errorf("of 64 KiB, %d bytes were written, and no less wait than may", len(text))
		}
		if err := w.Flush(); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	var file calls
	w := telemetry.NewWriter(&file)
	log := telemetry.NewLogger(w, telemetry.LogOptions{})
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for i := range 500 {
				if i%10 == 0 {
					log.Log(t.Context(), slog.LevelInfo, "other")
				}
				logRequest(log, "/elb/x", "alice")
			}
		})
	}
	writers.Wait()
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	n := 0
	text, _ := file.read()
	for line := range strings.Lines(text) {
		n++
		if !strings.HasSuffix(line, " INFO  other\n") && !strings.HasSuffix(line, "user=alice request_id=r-1\n") {
			t.Fatalf("line %d is %q", n, line)
		}
	}
	if want := 8*500 + 8*50; n != want {
		t.Errorf("there are %d lines, want %d", n, want)
	}
}

// stalled is a pipe that is full, until it is read.
type stalled struct {
	calls
	read chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.read
	return s.calls.Write(p)
}

func TestALogThatNobodyReadsHoldsNoRequestUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &stalled{read: make(chan struct{})}
		w := telemetry.NewWriter(pipe)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		start := time.Now()
		for range 4 << 10 { // 4 MiB
			w.WriteSoon(line)
			time.Sleep(time.Microsecond)
		}
		if took := time.Since(start); took > 5*time.Millisecond {
			t.Errorf("4,096 lines of the access log took %v", took)
		}
		dropped := w.Dropped()
		if dropped < 2<<10 || dropped >= 4<<10-1<<10 {
			t.Errorf("%d lines of 4096 were dropped, want those beyond 1 MiB", dropped)
		}
		if _, err := w.Write([]byte("a change\n")); err == nil || time.Since(start) > 2*time.Second {
			t.Errorf("another line: %v after %v", err, time.Since(start))
		}
		close(pipe.read)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		text, _ := pipe.calls.read()
		if got := strings.Count(text, "\n"); got != 4<<10-int(dropped)+1 || !strings.HasSuffix(text, "a change\n") {
			t.Errorf("%d lines were written, and %d dropped", got, dropped)
		}
	})
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestALogThatCannotBeWrittenSaysSoToWhoFlushes(t *testing.T) {
	w := telemetry.NewWriter(full{})
	w.WriteSoon([]byte("x\n"))
	if err := w.Flush(); err == nil {
		t.Error("Flush said nothing")
	}
}
