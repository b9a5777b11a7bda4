package telemetry_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/telemetry"
)

// calls is a file that counts writes.
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

// read returns the written text and the number of writes.
func (c *calls) read() (text string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String(), c.n
}

func TestAccessLogLinesShareOneWriteWithin100ms(t *testing.T) {
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

func TestOtherLinesFlushQueuedAccessLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file calls
		log := telemetry.NewLogger(telemetry.NewWriter(&file), telemetry.LogOptions{})
		logRequest(log, "/elb/x", "alice")
		log.Warn("something")
		synctest.Wait()
		if text, _ := file.read(); strings.Count(text, "\n") != 2 || strings.Index(text, "something") < strings.Index(text, "/elb/x") {
			t.Errorf("the log is %q", text)
		}
	})
}

func TestQueuedAccessLogIsWrittenBeforeDelayWhenLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file calls
		w := telemetry.NewWriter(&file)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		for range 64 {
			w.WriteSoon(line)
		}
		synctest.Wait()
		if text, _ := file.read(); len(text) <= 32<<10 {
			t.Errorf("of 64 KiB, only %d bytes were written before the delay", len(text))
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

// stalled is a full pipe until read is closed.
type stalled struct {
	calls
	read chan struct{}
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.read
	return s.calls.Write(p)
}

func TestWritesToBlockedOutputDropLinesInsteadOfWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &stalled{read: make(chan struct{})}
		w := telemetry.NewWriter(pipe)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		start := time.Now()
		for range 4 << 10 { // 4 MiB
			w.WriteSoon(line)
		}
		accessDropped := w.Dropped()
		if accessDropped < 2<<10 || accessDropped >= 4<<10-1<<10 {
			t.Errorf("%d lines of the access log of 4096 were dropped, want those beyond 1 MiB", accessDropped)
		}
		for range 4 << 10 {
			if _, err := w.Write(line); err != nil {
				break
			}
		}
		if w.Dropped() != accessDropped+1 {
			t.Errorf("%d other lines were dropped, want the one that failed", w.Dropped()-accessDropped)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("the lines waited %v", took)
		}
		close(pipe.read)
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		text, _ := pipe.calls.read()
		if got := len(text); got < 2<<20 || got > 3<<20 {
			t.Errorf("%d bytes were written, want the 2 MiB of the queue, and the write in flight", got)
		}
	})
}

func TestFlushTimesOutOnBlockedOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &stalled{read: make(chan struct{})}
		w := telemetry.NewWriter(pipe)
		w.WriteSoon([]byte("x\n"))
		start := time.Now()
		if err := w.Flush(); err == nil || time.Since(start) > time.Second {
			t.Errorf("Flush returned %v after %v", err, time.Since(start))
		}
		close(pipe.read)
		synctest.Wait()
		if text, _ := pipe.calls.read(); text != "x\n" {
			t.Errorf("the log is %q", text)
		}
	})
}

func TestLostLinesAreReportedWhenOutputUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &stalled{read: make(chan struct{})}
		w := telemetry.NewWriter(pipe)
		log := telemetry.NewLogger(w, telemetry.LogOptions{})
		log.Warn("first")
		synctest.Wait() // until the write blocks
		path := "/" + strings.Repeat("x", 100<<10)
		for range 20 {
			logRequest(log, path, "alice")
		}
		lost := w.Dropped()
		close(pipe.read)
		synctest.Wait()
		log.Warn("last")
		synctest.Wait()
		text, _ := pipe.calls.read()
		want := regexp.MustCompile(fmt.Sprintf(`(?s)^[^\n]* first\n.*x+ .*\n[^\n]* WARN  log lines were lost: [^\n]* lines=%d\n[^\n]* last\n$`, lost))
		if lost == 0 || !want.MatchString(text) {
			t.Errorf("%d lines were lost, and the log ends with %q", lost, text[max(0, len(text)-300):])
		}
		if strings.Count(text, "\n")+int(lost) != 1+20+2 {
			t.Errorf("%d lines were written, and %d lost", strings.Count(text, "\n"), lost)
		}
	})
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestFlushReturnsWriteError(t *testing.T) {
	w := telemetry.NewWriter(full{})
	w.WriteSoon([]byte("x\ny\n"))
	if err := w.Flush(); err == nil {
		t.Error("Flush returned no error")
	}
	if w.Dropped() != 2 {
		t.Errorf("%d lines are counted as lost, want 2", w.Dropped())
	}
}

// disk has no space until free is set.
type disk struct {
	calls
	free bool
}

func (d *disk) Write(p []byte) (int, error) {
	if !d.free {
		return 0, errors.New("no space")
	}
	return d.calls.Write(p)
}

func TestRejectedLinesAreReportedWhenOutputRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file disk
		log := telemetry.NewLogger(telemetry.NewWriter(&file), telemetry.LogOptions{})
		log.Info("refused")
		synctest.Wait()
		file.free = true
		log.Info("taken")
		synctest.Wait()
		text, _ := file.read()
		if !regexp.MustCompile(`^\S+ INFO  taken\n\S+ WARN  log lines were lost: [^\n]* lines=1\n$`).MatchString(text) {
			t.Errorf("the log is %q", text)
		}
	})
}
