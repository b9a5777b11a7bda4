package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"sync"

	"lsapi/internal/record"
)

// standBy waits to own the file, and passes on what its owner applies until then.
func (s *store) standBy(ctx context.Context) {
	defer close(s.ended)
	if s.feed == nil {
		s.wait(ctx)
		return
	}
	following, stop := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() { s.follow(following) })
	s.wait(ctx)
	stop()
	followed.Wait()
	if ctx.Err() == nil {
		_ = s.feed.Look(ctx) // at the former owner's last writes; lanes read these anyway
	}
}

func (s *store) wait(ctx context.Context) {
	for record.Pause(ctx, nil, lockPoll) == nil {
		if err := s.own(ctx); err == nil {
			s.log.Info("this process owns the record of changes now", "file", s.file.path)
			return
		}
	}
}

// follow makes the feed look after each write of the owner.
func (s *store) follow(ctx context.Context) {
	versions := &fileVersions{file: s.file}
	defer versions.close()
	look := func(ctx context.Context) error { return s.feed.Begin(ctx, standbyRecent) }
	var last int64
	for pause := standbyPoll; record.Pause(ctx, nil, pause) == nil; {
		pause = standbyPoll
		version, err := versions.now(ctx) // later commits change it again
		if err != nil {
			last, pause = 0, lockPoll
			continue
		}
		if version == last {
			continue
		}
		if err := look(ctx); err == nil {
			last, look = version, s.feed.Look
		}
		s.hints.Wake(eventsHint)
	}
}

// fileVersions reads the version of a file, which each write of another connection
// changes. Versions are comparable on one connection only.
type fileVersions struct {
	file file
	db   *sql.DB
	conn *sql.Conn
}

// now returns the current version, never 0.
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

func (v *fileVersions) close() {
	if v.conn != nil {
		_ = v.conn.Close() // it only read
	}
	if v.db != nil {
		_ = v.db.Close()
	}
	v.conn, v.db = nil, nil
}
