package v1

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// stream answers with one change a line. It holds one page in memory at a time. A failure
// after the first page cuts the connection off, so a stream that ends well is complete. A
// stop of the service is such a failure.
func (a *API) stream(x *exchange.Exchange, filter lsapi.ChangeFilter) error {
	left := filter.Limit // 0 is all
	page, err := a.nextPage(x, &filter, left)
	if err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", exchange.TypeLines)
	h.Set("Cache-Control", "no-store")
	x.WriteHeader(http.StatusOK)
	if x.Request.Method == http.MethodHead {
		return nil
	}
	// A client that does not read must not delay a stop.
	defer a.LongRequests.OnStop(func() { setWriteDeadline(x, endTime) })()
	if err := a.sendPages(x, filter, page, left); err != nil {
		x.Abort(a.orStopping(err))
	}
	return nil
}

// sendPages sends a page and those after it.
func (a *API) sendPages(x *exchange.Exchange, filter lsapi.ChangeFilter, page []lsapi.Change, left int) error {
	var lines bytes.Buffer
	for {
		if err := a.sendPage(x, page, &lines); err != nil {
			return err
		}
		if len(page) < filter.Limit || len(page) == left {
			return nil
		}
		left = max(0, left-len(page))
		var err error
		if page, err = a.nextPage(x, &filter, left); err != nil {
			return err
		}
	}
}

// nextPage reads the page at the filter and moves the filter behind it. The filter's limit
// is then the page's limit.
func (a *API) nextPage(x *exchange.Exchange, filter *lsapi.ChangeFilter, left int) ([]lsapi.Change, error) {
	filter.Limit = streamPage
	if left > 0 {
		filter.Limit = min(left, streamPage)
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	var page []lsapi.Change
	err := a.untilStop(ctx, func(ctx context.Context) (err error) {
		page, err = a.Record.Changes(ctx, *filter)
		return err
	})
	if err == nil && len(page) > 0 {
		filter.Before = page[len(page)-1].ID
	}
	return page, err
}

// untilStop calls f with a context that also ends when the service stops, and does not call
// it after that: CodeUnavailable.
func (a *API) untilStop(ctx context.Context, f func(context.Context) error) error {
	if a.LongRequests.Stopping() {
		return errStopping(nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer a.LongRequests.OnStop(cancel)()
	return a.orStopping(f(ctx))
}

// orStopping returns CodeUnavailable for an error while the service stops.
func (a *API) orStopping(err error) error {
	if err != nil && a.LongRequests.Stopping() {
		return errStopping(err)
	}
	return err
}

func errStopping(cause error) error {
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the service is stopping; ask again", Err: cause}
}

// setWriteDeadline is optional: a ResponseWriter may have no deadlines.
func setWriteDeadline(x *exchange.Exchange, timeout time.Duration) {
	_ = http.NewResponseController(x).SetWriteDeadline(time.Now().Add(timeout))
}

// sendPage writes and flushes a page. Each page has its own write deadline: the server's
// is for responses of one piece.
func (a *API) sendPage(x *exchange.Exchange, page []lsapi.Change, lines *bytes.Buffer) error {
	lines.Reset()
	for i := range page {
		if err := WriteLine(lines, &page[i]); err != nil {
			return err
		}
	}
	setWriteDeadline(x, pageTime)
	if a.LongRequests.Stopping() { // the deadline of the stop was replaced
		setWriteDeadline(x, endTime)
	}
	_, err := x.Write(lines.Bytes())
	if err == nil {
		err = http.NewResponseController(x).Flush()
	}
	if err != nil {
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err} // the client is too slow, or gone
	}
	return nil
}
