package store

import (
	"context"
	"errors"
	"sync"

	"lsapi"
)

// group makes writes share transactions: what waits while one is being committed
// goes into the next. A write that fails takes nothing of the others with it.
type group struct {
	// commit runs jobs in one transaction, and answers them.
	commit func(jobs []*job)
	jobs   chan *job
	ended  chan struct{} // closed when the last job has been answered

	mu     sync.RWMutex
	closed bool
}

// job is a write that waits for its transaction.
type job struct {
	ctx  context.Context
	run  func(context.Context, tables) error
	err  error
	done chan struct{} // closed when err is the answer
}

func (j *job) answer(err error) {
	j.err = err
	close(j.done)
}

// givenUp returns the error of a job that nobody waits for any more.
func (j *job) givenUp() error {
	if j.ctx.Err() == nil {
		return nil
	}
	return errGivenUp(j.ctx)
}

func newGroup(commit func([]*job)) *group {
	g := &group{commit: commit, jobs: make(chan *job, maxGroup), ended: make(chan struct{})}
	go g.work()
	return g
}

// do runs a write and returns when it is durable, or when nothing of it was kept.
// Only a write that has not begun is given up for its context.
func (g *group) do(ctx context.Context, run func(context.Context, tables) error) error {
	j := &job{ctx: ctx, run: run, done: make(chan struct{})}
	if err := g.put(j); err != nil {
		return err
	}
	<-j.done
	return j.err
}

// try is do for a write that is of no account: it is given up for its context at
// any time, such as when a disk does not answer.
func (g *group) try(ctx context.Context, run func(context.Context, tables) error) error {
	j := &job{ctx: ctx, run: run, done: make(chan struct{})}
	if err := g.put(j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return errGivenUp(ctx)
	}
}

func (g *group) put(j *job) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return errClosed()
	}
	select {
	case g.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return errGivenUp(j.ctx)
	}
}

func (g *group) work() {
	defer close(g.ended)
	for j := range g.jobs {
		g.commit(g.take(j))
	}
}

// take returns a job and what waits behind it.
func (g *group) take(first *job) []*job {
	jobs := []*job{first}
	for len(jobs) < maxGroup {
		select {
		case j, more := <-g.jobs:
			if !more {
				return jobs
			}
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// close answers what waits and returns.
func (g *group) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.jobs)
	}
	g.mu.Unlock()
	<-g.ended
}

// transaction is one that jobs share.
type transaction interface {
	tables() tables
	// writes counts what has been written.
	writes() int
	commit() error
	rollback()
}

// runAll runs jobs in one transaction and answers them. One that is refused when
// it has written something spoils the transaction, which is then done anew without
// it; one that only looked does not. It returns the last failure of the database.
func runAll(ctx context.Context, begin func(context.Context) (transaction, error), jobs []*job) error {
	g := batch{jobs: jobs, refused: make(map[*job]error)}
	for {
		again, err := g.run(ctx, begin)
		if err != nil {
			answerAll(jobs, errUnwritable(err))
			return err
		}
		if again {
			continue
		}
		for _, j := range jobs {
			j.answer(g.refused[j])
		}
		return g.failure
	}
}

// batch are jobs that share a transaction.
type batch struct {
	jobs     []*job
	refused  map[*job]error
	failures int   // of the database, each in a job
	failure  error // the last of them
}

// run runs what has not been refused; again when that has to be done anew. An error
// fails all jobs.
func (g *batch) run(ctx context.Context, begin func(context.Context) (transaction, error)) (again bool, err error) {
	tx, err := begin(ctx)
	if err != nil {
		return false, err
	}
	for _, j := range g.jobs {
		if g.refused[j] != nil {
			continue
		}
		if spoiled := g.one(ctx, tx, j); spoiled {
			tx.rollback()
			if g.failures > maxFailures {
				return false, g.failure
			}
			return true, nil
		}
	}
	return false, tx.commit()
}

// one runs a job, and reports whether it has spoiled the transaction.
func (g *batch) one(ctx context.Context, tx transaction, j *job) (spoiled bool) {
	if given := j.givenUp(); given != nil {
		g.refused[j] = given
		return false
	}
	before := tx.writes()
	err := j.run(ctx, tx.tables())
	if err == nil {
		return false
	}
	if coded, ok := errors.AsType[*lsapi.Error](err); ok {
		g.refused[j] = coded
		return tx.writes() > before
	}
	g.refused[j], g.failure = errUnwritable(err), err
	g.failures++
	return true
}

func answerAll(jobs []*job, err error) {
	for _, j := range jobs {
		j.answer(err)
	}
}
