package record_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// A disk is one that a test can fill, and empty again.
type disk struct {
	folder     string
	fill, free func(t *testing.T)
}

// smallDisk is a file system of a few megabytes. Only root can make one.
func smallDisk(t *testing.T) (disk, bool) {
	t.Helper()
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Logf("no file system of its own: %v", err)
		return disk{}, false
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ballast := filepath.Join(folder, "ballast")
	return disk{
		folder: folder,
		fill: func(t *testing.T) {
			file, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for size := 1 << 20; size >= 512; {
				if _, err := file.Write(make([]byte, size)); err != nil {
					size /= 2
				}
			}
		},
		free: func(t *testing.T) {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		},
	}, true
}

func TestReadyReportsAFullDiskAndItsEnd(t *testing.T) {
	if small, ok := smallDisk(t); ok {
		testFullDisk(t, small)
	}
	limitFiles(t)
}

// limitFiles runs the same in a process whose files cannot grow, which needs no
// rights.
func limitFiles(t *testing.T) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestFilesThatCannotGrow$", "-test.v")
	child.Env = append(os.Environ(), limitVariable+"="+t.TempDir())
	output, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: TestFilesThatCannotGrow") {
		t.Errorf("in a process whose files cannot grow: %v\n%s", err, output)
	}
}

// TestFilesThatCannotGrow is run by limitFiles: its limit is the whole process's.
func TestFilesThatCannotGrow(t *testing.T) {
	folder := os.Getenv(limitVariable)
	if folder == "" {
		t.Skip("limitFiles runs it, in a process of its own")
	}
	signal.Ignore(unix.SIGXFSZ)
	set := func(t *testing.T, size uint64) {
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		limit.Cur = min(size, limit.Max)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	testFullDisk(t, disk{
		folder: folder,
		fill:   func(t *testing.T) { set(t, 4096) },
		free:   func(t *testing.T) { set(t, unix.RLIM_INFINITY) },
	})
}

// testFullDisk writes until the disk is full, looks that nothing is kept by halves,
// and goes on when there is room again, with the same store.
func testFullDisk(t *testing.T, d disk) {
	s := openFile(t, filepath.Join(d.folder, "lsapi.db"))
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	for round := range 2 {
		d.fill(t)
		var refused []lsapi.Change
		for range 300 {
			c := l.change(lsapi.Attach, two)
			c.Reason = strings.Repeat("x", 1000)
			_, err := s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: c}})
			if err != nil {
				wantCode(t, err, lsapi.CodeUnavailable)
				refused = append(refused, c)
			}
		}
		if len(refused) == 0 {
			t.Fatal("the disk did not fill")
		}
		err := s.Ready(t.Context())
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "cannot be written: the disk") {
			t.Errorf("ready on a full disk: got %v", err)
		}
		for _, c := range refused {
			_, err := s.Change(t.Context(), c.ID)
			wantCode(t, err, lsapi.CodeNotFound)
		}
		wantWhole(t, s)

		d.free(t)
		if err := s.Ready(t.Context()); err != nil {
			t.Fatalf("ready with room again: %v", err)
		}
		l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", 16+round)))
		wantWhole(t, s)
	}
}

func TestReadOnlyDiskServesReadsUntilWritable(t *testing.T) {
	small, ok := smallDisk(t)
	if !ok {
		t.Skip("only root can make a file system read-only; TestReadyReportsAFullDiskAndItsEnd runs everywhere")
	}
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", small.folder, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(small.folder, "lsapi.db")
	c := fill(t, path)
	remount(unix.MS_RDONLY)
	s := openFile(t, path)
	if _, err := s.Change(t.Context(), c.ID); err != nil {
		t.Errorf("read: %v", err)
	}
	wantWhole(t, s)
	err := s.Ready(t.Context())
	if coded := lsapi.AsError(err); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "read-only") {
		t.Errorf("ready: got %v", err)
	}
	wantCode(t, errOf(s.Acquire(t.Context(), lsapi.ELB("web"))), lsapi.CodeUnavailable)
	reader, err := open.URL(t.Context(), "sqlite://"+path, record.Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("open to read: %v", err)
	}
	if err := reader.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}

	remount(0)
	eventually(t, "the store to be ready", func() bool { return s.Ready(t.Context()) == nil })
	later := newLane(t, s, lsapi.ELB("web")).after(dayLong).do(lsapi.Detach, one)
	if _, err := s.Change(t.Context(), later.ID); err != nil {
		t.Errorf("what was written since is not read: %v", err)
	}
	wantWhole(t, s)
}
