package record

import (
	"context"
	"database/sql"
	"net/url"
	"sync"
	"time"
)

const (
	// standbyPoll is how often a standby looks whether the owner has written: its lists
	// must show a change within 100 ms. A look that finds nothing costs microseconds.
	standbyPoll = 25 * time.Millisecond

	// standbyRecent is how far back a new standby looks for changes that AWS may not
	// show yet: longer than any overlay window.
	standbyRecent = time.Minute
)

// standBy waits to own the file, and learns until then what its owner applies.
func (s *sqliteStore) standBy(ctx context.Context) {
	defer close(s.ended)
	if s.learn == nil {
		s.wait(ctx)
		return
	}
	f := &feed{record: s.record, learn: s.learn, positions: make(map[string]int64)}
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { s.follow(following, f) })
	s.wait(ctx)
	stop()
	followed.Wait()
	if ctx.Err() == nil {
		_ = f.look(ctx) // what the last owner wrote at its end; the lanes read it all the same
	}
}

// follow makes the feed look whenever the owner has written.
func (s *sqliteStore) follow(ctx context.Context, f *feed) {
	versions := &fileVersions{file: s.file}
	defer versions.close()
	look := func(ctx context.Context) error { return f.beginWithin(ctx, standbyRecent) }
	var seen int64
	for sleep(ctx, standbyPoll) {
		// What is committed after the version was read changes it again.
		version, err := versions.now(ctx)
		if err != nil {
			seen = 0
			sleep(ctx, lockPoll)
			continue
		}
		if version == seen {
			continue
		}
		if err := look(ctx); err == nil {
			seen, look = version, f.look
		}
		s.wakes.wake(eventsChannel)
	}
}

// sleep reports whether the context goes on afterwards.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// beginWithin makes what is recorded so far no news, but for what was applied since.
func (f *feed) beginWithin(ctx context.Context, recent time.Duration) error {
	found, err := view(ctx, f.record, func(t tables) ([]news, error) {
		logs, err := t.logs(ctx)
		if err != nil {
			return nil, err
		}
		var found []news
		for _, log := range logs {
			n := news{loadBalancer: log.loadBalancer, after: log.last}
			if n.changes, err = applied(ctx, t, log, log.clock.now.Add(-recent)); err != nil {
				return nil, err
			}
			found = append(found, n)
		}
		return found, nil
	})
	if err == nil {
		f.tell(found)
	}
	return err
}

// fileVersions tell whether another connection has written to a file. Versions of
// one connection can be compared, so that it keeps its own.
type fileVersions struct {
	file sqliteFile
	db   *sql.DB
	conn *sql.Conn
}

// now returns the version of now, never 0.
func (v *fileVersions) now(ctx context.Context) (version int64, err error) {
	if err := v.open(ctx); err != nil {
		return 0, err
	}
	if err = v.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		v.close()
	}
	return version, err
}

func (v *fileVersions) open(ctx context.Context) (err error) {
	if v.conn != nil {
		return nil
	}
	if v.db, err = v.file.open(1, url.Values{"_pragma": {"query_only(1)"}, "mode": {"rw"}}); err != nil {
		return err
	}
	if v.conn, err = v.db.Conn(ctx); err != nil {
		v.close()
	}
	return err
}

// close can be followed by another look.
func (v *fileVersions) close() {
	if v.conn != nil {
		_ = v.conn.Close() // it has only read
	}
	if v.db != nil {
		_ = v.db.Close()
	}
	v.conn, v.db = nil, nil
}
