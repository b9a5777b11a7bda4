package v1

import (
	"bytes"
	"net/http"
	"time"

	"lsapi"
)

// stream answers with one change a line, read and sent page by page, so that it
// takes no more memory however many there are. Whatever fails after the first
// page cuts the connection off: a stream that ends well is complete.
func (a *API) stream(w http.ResponseWriter, r *http.Request, filter lsapi.ChangeFilter) error {
	left := filter.Limit // 0 is all
	page, err := a.nextPage(r, &filter, left)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", typeLines)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := a.sendPages(w, r, filter, page, left); err != nil {
		a.Abort(w, err)
	}
	return nil
}

// sendPages sends a page and those that come after it.
func (a *API) sendPages(w http.ResponseWriter, r *http.Request, filter lsapi.ChangeFilter, page []lsapi.Change, left int) error {
	out := newLines(w)
	for {
		if err := out.send(page); err != nil {
			return err
		}
		if len(page) < filter.Limit || len(page) == left {
			return nil
		}
		left = max(0, left-len(page))
		var err error
		if page, err = a.nextPage(r, &filter, left); err != nil {
			return err
		}
	}
}

// nextPage reads the page that the filter is at, and moves the filter behind it.
// The filter's limit is then how long the page could have been.
func (a *API) nextPage(r *http.Request, filter *lsapi.ChangeFilter, left int) ([]lsapi.Change, error) {
	filter.Limit = streamPage
	if left > 0 {
		filter.Limit = min(left, streamPage)
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	page, err := a.Record.Changes(ctx, *filter)
	if err == nil && len(page) > 0 {
		filter.Before = page[len(page)-1].ID
	}
	return page, err
}

// lines is a body of newline-delimited JSON.
type lines struct {
	w          http.ResponseWriter
	connection *http.ResponseController
	buffer     bytes.Buffer
}

func newLines(w http.ResponseWriter) *lines {
	return &lines{w: w, connection: http.NewResponseController(w)}
}

// send writes a page and flushes it. The server's WriteTimeout is for answers of
// one piece; each page has its own time.
func (l *lines) send(page []lsapi.Change) error {
	l.buffer.Reset()
	for i := range page {
		if err := WriteLine(&l.buffer, &page[i]); err != nil {
			return err
		}
	}
	_ = l.connection.SetWriteDeadline(time.Now().Add(pageTime)) // not every connection can
	_, err := l.w.Write(l.buffer.Bytes())
	if err == nil {
		err = l.connection.Flush()
	}
	if err != nil {
		return &lsapi.Error{Code: lsapi.CodeTimeout, Err: err} // the client is too slow, or gone
	}
	return nil
}
