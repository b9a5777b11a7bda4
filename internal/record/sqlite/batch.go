package sqlite

import (
	"context"
	"errors"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/record"
)

// group makes writes share transactions: what waits while one is being committed
// goes into the next. A write that fails takes nothing of the others with it.
type group struct {
	// commit runs jobs in one transaction, and answers them.
	commit func(jobs []*job)
	jobs   chan *job
	stop   context.CancelFunc
	closed context.Context //nolint:containedctx // it only says that no more jobs are taken
	ended  chan struct{}   // closed when the worker has ended
}

// job is a write that waits for its transaction.
type job struct {
	ctx   context.Context
	run   func(context.Context, record.Tables) error
	err   error
	done  chan struct{} // closed when err is the answer
	stage atomic.Int32
}

// The stages of a job. A job leaves the first one once: the worker begins it, or its
// caller abandons it.
const (
	jobWaiting int32 = iota
	jobBegun
	jobAbandoned
)

func (j *job) answer(err error) {
	j.err = err
	close(j.done)
}

// begin reports whether the job may run. A job may begin again when its
// transaction is repeated.
func (j *job) begin() bool {
	if j.ctx.Err() != nil {
		j.abandon()
	}
	return j.stage.CompareAndSwap(jobWaiting, jobBegun) || j.stage.Load() == jobBegun
}

// abandon reports whether the job will never run.
func (j *job) abandon() bool {
	return j.stage.CompareAndSwap(jobWaiting, jobAbandoned) || j.stage.Load() == jobAbandoned
}

func newGroup(commit func([]*job)) *group {
	g := &group{commit: commit, jobs: make(chan *job, maxGroup), ended: make(chan struct{})}
	g.closed, g.stop = context.WithCancel(context.Background())
	go g.work()
	return g
}

// do runs a write and returns when it is durable, or when nothing of it was kept,
// but no later than its context ends: a disk may never answer. A write that has not
// begun by then never will. One that has begun may still be kept, which the error
// says; run must write nothing that its caller reads after an error.
func (g *group) do(ctx context.Context, run func(context.Context, record.Tables) error) error {
	j := &job{ctx: ctx, run: run, done: make(chan struct{})}
	if err := g.put(j); err != nil {
		return err
	}
	var left error
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		left = record.TimedOut(ctx)
	case <-g.ended:
		left = record.Closed()
	}
	if j.abandon() {
		return left
	}
	select {
	case <-j.done:
		return j.err
	default:
		return errNotKnown(ctx)
	}
}

func (g *group) put(j *job) error {
	if g.closed.Err() != nil {
		return record.Closed()
	}
	select {
	case g.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return record.TimedOut(j.ctx)
	case <-g.closed.Done():
		return record.Closed()
	}
}

// work commits jobs until the group is closed, and then those that wait.
func (g *group) work() {
	defer close(g.ended)
	for {
		select {
		case j := <-g.jobs:
			g.commit(g.take(j))
			continue
		case <-g.closed.Done():
		}
		select {
		case j := <-g.jobs:
			g.commit(g.take(j))
		default:
			return
		}
	}
}

// take returns a job and what waits behind it.
func (g *group) take(first *job) []*job {
	jobs := []*job{first}
	for len(jobs) < maxGroup {
		select {
		case j := <-g.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// close commits the jobs that wait and returns, no later than its context ends.
func (g *group) close(ctx context.Context) error {
	g.stop()
	select {
	case <-g.ended:
		return nil
	case <-ctx.Done():
		return record.TimedOut(ctx)
	}
}

// transaction is one that jobs share.
type transaction interface {
	view() record.Tables
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
	if !j.begin() {
		g.refused[j] = record.TimedOut(j.ctx) //nolint:contextcheck // the job's own has ended
		return false
	}
	before := tx.writes()
	err := j.run(ctx, tx.view())
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
