package auth_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/auth"
)

// follow starts an authenticator that polls its users file, and returns its log. It needs a
// synctest bubble.
func follow(t *testing.T, path string) (*auth.Authenticator, *logText) {
	t.Helper()
	log := &logText{}
	a := newAuthenticator(t, auth.Options{UsersFile: path, Log: log.logger()})
	a.Start()
	t.Cleanup(func() { a.Close(t.Context()) })
	return a, log
}

// waitForPoll waits until a change of the file is applied.
func waitForPoll() {
	time.Sleep(2*auth.PollEvery + time.Millisecond)
	synctest.Wait()
}

// setTime sets a distinct modification time: the clock of a bubble does not advance between
// writes.
func setTime(t *testing.T, path string, minutes int) {
	t.Helper()
	then := time.Date(2026, 1, 1, 0, minutes, 0, 0, time.UTC)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func TestFileChangeIsAppliedHoweverItIsMade(t *testing.T) {
	alice, other := line(t, "alice", "right"), line(t, "alice", "other")
	for name, change := range map[string]func(t *testing.T, path string){
		"in place, of the same size": func(t *testing.T, path string) { rewrite(t, path, other); setTime(t, path, 1) },
		"a rename, of the same size and time": func(t *testing.T, path string) {
			rewrite(t, path+".new", other)
			setTime(t, path+".new", 0)
			rename(t, path+".new", path)
		},
		"a link to a folder that is swapped": func(t *testing.T, path string) {
			folder := filepath.Dir(filepath.Dir(path))
			if err := os.Mkdir(filepath.Join(folder, "second"), 0o700); err != nil {
				t.Fatal(err)
			}
			rewrite(t, filepath.Join(folder, "second", "users"), other)
			link(t, "second", filepath.Join(folder, "data.new"))
			rename(t, filepath.Join(folder, "data.new"), filepath.Join(folder, "data"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				folder := t.TempDir()
				if err := os.Mkdir(filepath.Join(folder, "first"), 0o700); err != nil {
					t.Fatal(err)
				}
				link(t, "first", filepath.Join(folder, "data"))
				path := filepath.Join(folder, "data", "users")
				rewrite(t, path, alice)
				setTime(t, path, 0)
				a, log := follow(t, path)
				waitForPoll()
				want(t, login(t, a, "alice", "right", here), "")
				change(t, path)
				waitForPoll()
				want(t, login(t, a, "alice", "right", here), lsapi.CodeUnauthenticated)
				want(t, login(t, a, "alice", "other", here), "")
				if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "users file read") {
					t.Errorf("the log is %s", text)
				}
			})
		})
	}
}

func TestFileChangeBeforeTheFirstPollIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeUsers(t, line(t, "alice", "right"))
		setTime(t, path, 0)
		a, _ := follow(t, path)
		rewrite(t, path, line(t, "alice", "other"))
		setTime(t, path, 0) // with the same modification time
		waitForPoll()
		want(t, login(t, a, "alice", "other", here), "")
	})
}

func TestInvalidFileKeepsThePreviousUsersAndIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := line(t, "alice", "right")
		path := writeUsers(t, alice)
		a, log := follow(t, path)
		waitForPoll()
		for _, test := range []struct {
			name    string
			spoil   func()
			problem string
		}{
			{"malformed", func() { rewrite(t, path, alice, "s3cret\n"); setTime(t, path, 1) }, "line 2: not of the form user:hash"},
			{"empty", func() { rewrite(t, path); setTime(t, path, 2) }, "there are no users in it"},
			{"gone", func() { rename(t, path, path+".away") }, "no such file"},
			{"anybody's", func() { rewrite(t, path, alice); os.Chmod(path, 0o666) }, "chmod o-w"},
		} {
			before := len(log.String())
			test.spoil()
			waitForPoll()
			want(t, login(t, a, "alice", "right", here), "")
			for range 10 {
				waitForPoll()
			}
			text := log.String()[before:]
			if strings.Count(text, "\n") != 1 || !strings.Contains(text, test.problem) || !strings.Contains(text, path) ||
				!strings.Contains(text, "level=ERROR") || strings.Contains(text, "s3cret") {
				t.Errorf("%s: the log is %q", test.name, text)
			}
			if !a.Stats().FileRejected {
				t.Errorf("%s: the statistics do not report it", test.name)
			}
		}
		before := len(log.String())
		os.Remove(path)
		rewrite(t, path, alice, line(t, "carol", "hers"))
		waitForPoll()
		want(t, login(t, a, "carol", "hers", here), "")
		if text := log.String()[before:]; strings.Count(text, "\n") != 1 || !strings.Contains(text, "users=2") || a.Stats().FileRejected {
			t.Errorf("the log is %q", text)
		}
	})
}

// A lack of file descriptors must not keep a removed user active until the file changes again.
func TestFileThatCannotBeReadForAWhileIsReadLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeUsers(t, line(t, "alice", "right"), line(t, "bob", "his"))
		a, log := follow(t, path)
		waitForPoll()
		rewrite(t, path, line(t, "bob", "his"))
		restore := closeFileTable(t)
		time.Sleep(10 * auth.PollEvery)
		synctest.Wait()
		restore()
		if text := log.String(); strings.Count(text, "users file rejected") != 1 || !a.Stats().FileRejected {
			t.Errorf("it was not rejected, or was reported more than once: %s", text)
		}
		want(t, login(t, a, "alice", "right", here), "")
		waitForPoll()
		want(t, login(t, a, "alice", "right", here), lsapi.CodeUnauthenticated)
		if a.Stats().FileRejected || !strings.Contains(log.String(), "users file read") {
			t.Errorf("the log is %s", log.String())
		}
	})
}

// closeFileTable makes every open of a file fail until restore is called.
func closeFileTable(t *testing.T) (restore func()) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	set := func(files uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	return func() { set(limit.Cur) }
}

func TestChangingFileIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice, carol := line(t, "alice", "right"), line(t, "carol", "hers")
		path := writeUsers(t, alice, carol)
		setTime(t, path, 0)
		a, log := follow(t, path)
		waitForPoll()
		for n := range 10 { // it changes between any two polls
			rewrite(t, path, alice[:n])
			setTime(t, path, n+1)
			time.Sleep(auth.PollEvery)
			want(t, login(t, a, "carol", "hers", here), "")
		}
		rewrite(t, path, alice, carol, line(t, "dave", "his"))
		waitForPoll()
		want(t, login(t, a, "dave", "his", here), "")
		if strings.Contains(log.String(), "rejected") {
			t.Errorf("the log is %s", log)
		}
	})
}

func TestUnchangedUserStaysVerifiedWhenTheFileChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := line(t, "alice", "right")
		path := writeUsers(t, alice)
		a, _ := follow(t, path)
		want(t, login(t, a, "alice", "right", here), "")
		rewrite(t, path, line(t, "carol", "hers"), alice)
		waitForPoll()
		want(t, login(t, a, "carol", "hers", here), "")
		fail(t, a, "alice", here)
		want(t, login(t, a, "alice", "right", here), "") // despite the limit, as it is verified
	})
}

func TestRemovedUserIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		carol := line(t, "carol", "hers")
		path := writeUsers(t, line(t, "alice", "right"), carol)
		a, _ := follow(t, path)
		want(t, login(t, a, "alice", "right", here), "")
		rewrite(t, path, carol)
		waitForPoll()
		want(t, login(t, a, "alice", "right", here), lsapi.CodeUnauthenticated)
	})
}

func TestReloadReadsTheFileAtOnce(t *testing.T) {
	path := writeUsers(t, line(t, "alice", "right"))
	log := &logText{}
	a := newAuthenticator(t, auth.Options{UsersFile: path, Log: log.logger()}) // nothing polls
	rewrite(t, path, line(t, "alice", "other"))
	want(t, lsapi.ErrorCode(a.Reload()), "")
	want(t, login(t, a, "alice", "right", here), lsapi.CodeUnauthenticated)
	want(t, login(t, a, "alice", "other", here), "")
	if !strings.Contains(log.String(), "users file read") {
		t.Errorf("the log is %s", log)
	}
}

func TestReloadOfAnInvalidFileKeepsThePreviousUsers(t *testing.T) {
	alice := line(t, "alice", "right")
	path := writeUsers(t, alice)
	log := &logText{}
	a := newAuthenticator(t, auth.Options{UsersFile: path, Log: log.logger()})
	rewrite(t, path, "s3cret\n")
	err := a.Reload()
	want(t, lsapi.ErrorCode(err), lsapi.CodeInvalid)
	want(t, login(t, a, "alice", "right", here), "")
	if text := log.String(); !a.Stats().FileRejected || !strings.Contains(text, "line 1: not of the form user:hash") || strings.Contains(text, "s3cret") {
		t.Errorf("the log is %s, and the statistics are %+v", text, a.Stats())
	}
	rewrite(t, path, alice)
	want(t, lsapi.ErrorCode(a.Reload()), "")
	if a.Stats().FileRejected {
		t.Error("the file is still reported as rejected")
	}
}

func TestReloadWithoutAFileDoesNothing(t *testing.T) {
	a := newWithToken(t, "alice:right")
	want(t, lsapi.ErrorCode(a.Reload()), "")
	want(t, login(t, a, "alice", "right", here), "")
}

func TestReloadIsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeUsers(t, line(t, "alice", "right"))
		a, _ := follow(t, path)
		var reloads sync.WaitGroup
		for n := range 20 {
			reloads.Go(func() {
				time.Sleep(time.Duration(n) * auth.PollEvery / 4)
				if err := a.Reload(); err != nil {
					t.Error(err)
				}
			})
		}
		rewrite(t, path, line(t, "alice", "right"), line(t, "carol", "hers"))
		reloads.Wait()
		want(t, login(t, a, "carol", "hers", here), "")
	})
}

// A long request revalidates its user every 15 s, whatever else comes from its address.
func TestRevalidateReportsARemovedUserDespiteLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		carol := line(t, "carol", "hers")
		path := writeUsers(t, line(t, "alice", "right"), carol)
		a, _ := follow(t, path)
		want(t, login(t, a, "alice", "right", here), "")
		fail(t, a, "alice", here)
		want(t, lsapi.ErrorCode(a.Revalidate("Basic "+encode("alice:right"))), "")
		rewrite(t, path, carol)
		waitForPoll()
		want(t, login(t, a, "alice", "right", here), lsapi.CodeThrottled)
		want(t, lsapi.ErrorCode(a.Revalidate("Basic "+encode("alice:right"))), lsapi.CodeUnauthenticated)
	})
}

func TestRevalidateAcceptsWhileTheAccountIsValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alice := line(t, "alice", "right")
		path := writeUsers(t, alice)
		a, _ := follow(t, path)
		revalidate := func(credentials string) lsapi.Code {
			return lsapi.ErrorCode(a.Revalidate("Basic " + encode(credentials)))
		}
		want(t, revalidate("alice:right"), lsapi.CodeUnauthenticated) // no login yet
		want(t, login(t, a, "alice", "right", here), "")
		time.Sleep(time.Hour)
		want(t, revalidate("alice:right"), "")
		want(t, revalidate("alice:wrong"), lsapi.CodeUnauthenticated)
		want(t, revalidate("carol:right"), lsapi.CodeUnauthenticated)
		want(t, lsapi.ErrorCode(a.Revalidate("")), lsapi.CodeUnauthenticated)
		rewrite(t, path, alice, line(t, "carol", "hers"))
		waitForPoll()
		want(t, revalidate("alice:right"), "")
		rewrite(t, path, line(t, "alice", "other"), line(t, "carol", "hers"))
		waitForPoll()
		want(t, revalidate("alice:right"), lsapi.CodeUnauthenticated)
		want(t, revalidate("alice:other"), lsapi.CodeUnauthenticated)
	})
}

// bcrypt compares 72 bytes: passwords that differ only after them are equivalent, and a
// login with one must not end the requests of the other.
func TestPasswordsWithTheSameFirst72BytesAreOneForBcrypt(t *testing.T) {
	prefix := strings.Repeat("p", 72)
	a := newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, line(t, "alice", prefix))})
	want(t, login(t, a, "alice", prefix+"1", here), "")
	want(t, login(t, a, "alice", prefix+"2", here), "")
	want(t, lsapi.ErrorCode(a.Revalidate("Basic "+encode("alice:"+prefix+"1"))), "")
	want(t, login(t, a, "alice", prefix[1:], here), lsapi.CodeUnauthenticated)

	token := newWithToken(t, "bob:"+prefix+"1")
	want(t, login(t, token, "bob", prefix+"1", here), "")
	want(t, login(t, token, "bob", prefix+"2", here), lsapi.CodeUnauthenticated)
}

func TestCloseWaitsForThePollLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, line(t, "alice", "right"))})
		if err := a.Close(t.Context()); err != nil {
			t.Errorf("before the start: %v", err)
		}
		a.Start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 2 {
			if err := a.Close(ctx); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCloseEndsWithItsContextWhenAPollHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := writeUsers(t, line(t, "alice", "right"))
		reads, answer := io.Pipe() // a log without a reader blocks the poll
		a := newAuthenticator(t, auth.Options{UsersFile: path, Log: slog.New(slog.NewTextHandler(answer, nil))})
		a.Start()
		rewrite(t, path, "spoilt\n")
		setTime(t, path, 1)
		waitForPoll()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := a.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		reads.Close()
	})
}
