package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"sync"
	"time"

	"lsapi/internal/record"
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
func (s *store) standBy(ctx context.Context) {
	defer close(s.ended)
	f := record.NewFeed(s.Record, s.learn)
	if f == nil {
		s.wait(ctx)
		return
	}
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { s.follow(following, f) })
	s.wait(ctx)
	stop()
	followed.Wait()
	if ctx.Err() == nil {
		_ = f.Look(ctx) // what the last owner wrote at its end; the lanes read it all the same
	}
}

// follow makes the feed look whenever the owner has written.
func (s *store) follow(ctx context.Context, f *record.Feed) {
	versions := &fileVersions{file: s.file}
	defer versions.close()
	look := func(ctx context.Context) error { return f.Begin(ctx, standbyRecent) }
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
			seen, look = version, f.Look
		}
		s.wakes.Wake(eventsHint)
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

// fileVersions tell whether another connection has written to a file. Versions of
// one connection can be compared, so that it keeps its own.
type fileVersions struct {
	file file
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
