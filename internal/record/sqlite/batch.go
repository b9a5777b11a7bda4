package sqlite

import (
	"context"
	"errors"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/record"
)

// group makes writes share transactions: those that arrive during a commit go into the
// next. A failed write does not fail the others.
type group struct {
	commit func(jobs []*job) // runs jobs in one transaction, and answers them
	jobs   chan *job
	stop   context.CancelFunc
	closed context.Context //nolint:containedctx // it only says that no more jobs are taken
	ended  chan struct{}   // closed when the worker has ended
}

type job struct {
	ctx   context.Context
	run   func(context.Context, record.Tables) error
	err   error
	done  chan struct{} // closed when err is the answer
	stage atomic.Int32
}

// The stages of a job. It leaves the first one once: the worker begins it, or its caller
// abandons it.
const (
	jobWaiting int32 = iota
	jobBegun
	jobAbandoned
)

func (j *job) answer(err error) {
	j.err = err
	close(j.done)
}

// begin reports whether the job may run, again if its transaction is repeated.
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
	g := &group{commit: commit, jobs: make(chan *job, maxBatch), ended: make(chan struct{})}
	g.closed, g.stop = context.WithCancel(context.Background())
	go g.work()
	return g
}

// do runs a write, and returns when it is durable or rolled back, or when ctx ends: a disk
// may hang. A write that has not begun by then never runs. One that has begun may be kept,
// which the error says; the caller must not read what run writes then.
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
		return errUncertain(ctx)
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

// work commits jobs until the group is closed, and then the pending ones.
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

func (g *group) take(first *job) []*job {
	jobs := []*job{first}
	for len(jobs) < maxBatch {
		select {
		case j := <-g.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// close commits the pending jobs; CodeTimeout when ctx ends first.
func (g *group) close(ctx context.Context) error {
	g.stop()
	select {
	case <-g.ended:
		return nil
	case <-ctx.Done():
		return record.TimedOut(ctx)
	}
}

type transaction interface {
	view() record.Tables
	writes() int // the number of writes so far
	commit() error
	rollback()
}

type batch struct {
	jobs     []*job
	refused  map[*job]error
	failures int   // of the database, each in a job
	failure  error // the last of them
}

// runAll runs jobs in one transaction and answers them. A job that is refused after it
// wrote spoils the transaction, which is repeated without the job. It returns the last
// failure of the database.
func runAll(ctx context.Context, begin func(context.Context) (transaction, error), jobs []*job) error {
	b := batch{jobs: jobs, refused: make(map[*job]error)}
	for {
		spoiled, err := b.run(ctx, begin)
		if spoiled && err == nil {
			continue
		}
		for _, j := range jobs {
			if err != nil {
				j.answer(errUnwritable(err))
			} else {
				j.answer(b.refused[j])
			}
		}
		if err != nil {
			return err
		}
		return b.failure
	}
}

// run runs the jobs that were not refused, and reports whether the transaction was spoiled.
// An error fails all jobs.
func (b *batch) run(ctx context.Context, begin func(context.Context) (transaction, error)) (spoiled bool, err error) {
	tx, err := begin(ctx)
	if err != nil {
		return false, err
	}
	for _, j := range b.jobs {
		if b.refused[j] != nil {
			continue
		}
		if b.spoils(ctx, tx, j) {
			tx.rollback()
			if b.failures > maxFailures {
				return true, b.failure
			}
			return true, nil
		}
	}
	return false, tx.commit()
}

// spoils runs a job, and reports whether it spoiled the transaction.
func (b *batch) spoils(ctx context.Context, tx transaction, j *job) bool {
	if !j.begin() {
		b.refused[j] = record.TimedOut(j.ctx) //nolint:contextcheck // the job's own has ended
		return false
	}
	before := tx.writes()
	err := j.run(ctx, tx.view())
	if err == nil {
		return false
	}
	if coded, ok := errors.AsType[*lsapi.Error](err); ok {
		b.refused[j] = coded
		return tx.writes() > before
	}
	b.refused[j], b.failure = errUnwritable(err), err
	b.failures++
	return true
}
