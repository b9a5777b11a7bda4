package v1

import (
	"bytes"
	"net/http"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// stream answers with one change a line. It holds one page in memory at a time. A failure
// after the first page cuts the connection off, so a stream that ends well is complete.
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
	if err := a.sendPages(x, filter, page, left); err != nil {
		x.Abort(err)
	}
	return nil
}

// sendPages sends a page and those after it.
func (a *API) sendPages(x *exchange.Exchange, filter lsapi.ChangeFilter, page []lsapi.Change, left int) error {
	var lines bytes.Buffer
	for {
		if err := sendPage(x, page, &lines); err != nil {
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
	page, err := a.Record.Changes(ctx, *filter)
	if err == nil && len(page) > 0 {
		filter.Before = page[len(page)-1].ID
	}
	return page, err
}

// sendPage writes and flushes a page. Each page has its own write deadline: the server's
// is for responses of one piece.
func sendPage(x *exchange.Exchange, page []lsapi.Change, lines *bytes.Buffer) error {
	lines.Reset()
	for i := range page {
		if err := WriteLine(lines, &page[i]); err != nil {
			return err
		}
	}
	connection := http.NewResponseController(x)
	_ = connection.SetWriteDeadline(time.Now().Add(pageTime)) // optional
	_, err := x.Write(lines.Bytes())
	if err == nil {
		err = connection.Flush()
	}
	if err != nil {
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err} // the client is too slow, or gone
	}
	return nil
}
