package v1

import (
	"context"
	"net/http"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// instancePath is what GET /v1/instances/{instance} takes.
type instancePath struct {
	ID string `path:"instance" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" doc:"The id of an instance: i- and 8 or 17 lower-case hexadecimal digits. Any other id is 404" example:"i-5203422c"`
}

func (a *API) getInstance(x *exchange.Exchange, in *instancePath) error {
	if x.RequiresFresh() {
		return sendRead(x, func(ctx context.Context) (lsapi.InstanceDetail, error) {
			return a.Fleet.Instance(ctx, in.ID, true)
		}, newInstance)
	}
	body, err := a.instances.of(x, in.ID)
	if err != nil {
		return err
	}
	x.Header().Set("Cache-Control", "no-store")
	return x.Send(http.StatusOK, exchange.TypeJSON, body)
}

// checkInstance answers 404 for impossible ids, without a call to AWS.
func checkInstance(x *exchange.Exchange) error {
	if !lsapi.ValidInstanceID(x.Request.PathValue("instance")) {
		return lsapi.Errorf(lsapi.CodeNotFound,
			"there is no such instance; an id is i- and 8 or 17 lower-case hexadecimal digits")
	}
	return nil
}

// instanceAnswers keeps encoded answers for answerLifetime, so that many callers share a
// search of the memberships and a read of the record. A change by lsapi makes all of them
// out of date.
type instanceAnswers struct {
	fleet   Fleet
	kept    *lru.Cache[string, instanceAnswer]
	flights singleflight.Group
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
	made, err, _ := i.flights.Do(id+" "+strconv.FormatUint(version, 10), func() (any, error) {
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
