package record_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// writeUntilKilled is the process that is killed: it says on its output what has
// been recorded, after it has been.
func writeUntilKilled(path string) {
	ctx := context.Background()
	s, err := open.URL(ctx, "sqlite://"+path, record.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	var writers sync.WaitGroup
	var output sync.Mutex
	say := func(format string, args ...any) {
		output.Lock()
		defer output.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	for i := range 4 {
		writers.Go(func() {
			if err := writeOn(ctx, s, lsapi.ELB(fmt.Sprintf("lb-%d", i)), say); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
	writers.Wait()
}

func writeOn(ctx context.Context, s record.Store, pool lsapi.PoolID, say func(string, ...any)) error {
	lease, err := s.Acquire(ctx, pool)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		c := lsapi.Change{ID: idAt(time.Now()), Action: lsapi.Attach, Member: lsapi.InstanceMember(fmt.Sprintf("i-%08x", i%10)), Actor: "alice"}
		if _, err := s.Append(ctx, lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: time.Now(), Change: c}}); err != nil {
			return err
		}
		say("intended %s", c.ID)
		c.Outcome = lsapi.OutcomeApplied
		if _, err := s.Append(ctx, lease, []lsapi.Event{{Kind: lsapi.EventCompleted, At: time.Now(), Change: c}}); err != nil {
			return err
		}
		say("applied %s", c.ID)
		key := lsapi.IdempotencyKey{Actor: "alice", Key: c.ID}
		if _, err := s.Reserve(ctx, key, lsapi.Reservation{ChangeID: c.ID}); err != nil {
			return err
		}
		say("reserved %s", c.ID)
	}
}

// writeAndKill runs the process for a while and returns what it said.
func writeAndKill(t *testing.T, path string, lines int) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashVariable+"="+path)
	child.Stderr = os.Stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		said = append(said, scanner.Text())
		if len(said) == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(said) < lines {
		t.Fatalf("the process ended by itself after %d lines", len(said))
	}
	return said
}

func TestAcknowledgedEventsSurviveAKill(t *testing.T) {
	path := newFile(t)
	var said []string
	for range 5 {
		said = append(said, writeAndKill(t, path, 1+rand.IntN(200))...)
		s, err := open.URL(t.Context(), "sqlite://"+path, record.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("the lock outlived its process: %v", err)
		}
		wantWhole(t, s)
		for _, line := range said {
			wantRecorded(t, s, line)
		}
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
}

func wantRecorded(t *testing.T, s record.Store, line string) {
	t.Helper()
	what, id, ok := strings.Cut(line, " ")
	if !ok || len(id) != 36 {
		return // cut off by the kill
	}
	c, err := s.Change(t.Context(), id)
	if err != nil || what != "intended" && c.Outcome != lsapi.OutcomeApplied {
		t.Errorf("%s: got %+v (%v)", line, c, err)
	}
	if what == "reserved" {
		taken, err := s.Reserve(t.Context(), lsapi.IdempotencyKey{Actor: "alice", Key: id}, lsapi.Reservation{ChangeID: "another"})
		if err != nil || taken == nil || taken.ChangeID != id {
			t.Errorf("%s: got %+v (%v)", line, taken, err)
		}
	}
}
