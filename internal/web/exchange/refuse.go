package exchange

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"

	"lsapi"
)

// Refuse returns the whole response to a request that net/http could not parse, from the
// peer's address. It logs and counts the request, which has neither method nor path. The
// connection must be closed after it.
func (h *Handler) Refuse(status int, problem, peer string) []byte {
	var w refusal
	x := newExchange(&h.settings, &w, &http.Request{Method: "-", URL: new(url.URL), RemoteAddr: peer})
	x.Header().Set("Connection", "close")
	w.status = status
	x.writeError(lsapi.CodeInvalid, "the request cannot be parsed: "+cmp.Or(problem, http.StatusText(status)), nil)
	x.status = int32(status) //nolint:gosec // three digits
	x.account()
	return w.bytes()
}

// refusal is a ResponseWriter that collects a response. Its status is given, because net/http
// has more than there are codes.
type refusal struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *refusal) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

func (w *refusal) WriteHeader(int) {}

func (w *refusal) Write(p []byte) (int, error) { return w.body.Write(p) }

func (w *refusal) bytes() []byte {
	var all bytes.Buffer
	fmt.Fprintf(&all, "HTTP/1.1 %d %s\r\n", w.status, http.StatusText(w.status))
	_ = w.header.Write(&all) // a buffer takes everything
	all.WriteString("\r\n")
	all.Write(w.body.Bytes())
	return all.Bytes()
}
