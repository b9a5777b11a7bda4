package v1

import (
	"context"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"lsapi/internal/web/exchange"
)

// instanceAnswers keeps encoded answers for answerLifetime, so that many callers share a
// search of the memberships and a read of the record. A change by lsapi makes all of them
// out of date.
type instanceAnswers struct {
	fleet    Fleet
	kept     *lru.Cache[string, instanceAnswer]
	searches singleflight.Group
}

type instanceAnswer struct {
	body    []byte
	version uint64 // of the fleet before the search
	made    time.Time
}

func newInstanceAnswers(fleet Fleet) *instanceAnswers {
	kept, _ := lru.New[string, instanceAnswer](maxAnswers) // fails for a size below 1 only
	return &instanceAnswers{fleet: fleet, kept: kept}
}

// of returns the encoded answer about an instance.
func (i *instanceAnswers) of(x *exchange.Exchange, id string) ([]byte, error) {
	version := i.fleet.Version()
	if kept, ok := i.kept.Get(id); ok && kept.version == version && time.Since(kept.made) < answerLifetime {
		return kept.body, nil
	}
	made, err, _ := i.searches.Do(id+" "+strconv.FormatUint(version, 10), func() (any, error) {
		ctx, cancel := deadlineOf(x)
		defer cancel()
		return i.make(ctx, id, version)
	})
	body, _ := made.([]byte)
	return body, err
}

// deadlineOf returns a context with the deadline of a request that does not end when its
// caller leaves, because others wait for the answer.
func deadlineOf(x *exchange.Exchange) (context.Context, context.CancelFunc) {
	own, cancel := x.Deadline()
	defer cancel()
	at, _ := own.Deadline()
	return context.WithDeadline(context.WithoutCancel(own), at)
}

// make searches the memberships of an instance.
func (i *instanceAnswers) make(ctx context.Context, id string, version uint64) ([]byte, error) {
	made := time.Now()
	detail, err := i.fleet.Instance(ctx, id, false)
	if err != nil {
		return nil, err
	}
	body, err := exchange.EncodeJSON(newInstance(&detail))
	if err != nil {
		return nil, err
	}
	i.kept.Add(id, instanceAnswer{body, version, made})
	return body, nil
}
