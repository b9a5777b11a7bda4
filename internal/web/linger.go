package web

import (
	"io"
	"net/http"
	"time"

	"lsapi/internal/connlimit"
)

const (
	// lingerTime is for how long a client may go on sending a body that nobody
	// wants, before its connection is closed.
	lingerTime = 500 * time.Millisecond
	// lingerBytes is how much of it is taken: as much as net/http takes on a
	// connection that it keeps.
	lingerBytes = 256 << 10
)

// linger takes what a client still sends although it has its answer. net/http
// does so on connections that it keeps; one that is to be closed it closes at
// once, and with data unread that is a reset, which can reach the client before
// the answer does.
func linger(x *exchange) {
	closes := x.request.Close || x.Header().Get("Connection") == "close"
	if x.hijacked || !closes || x.request.ContentLength == 0 {
		return
	}
	connection := http.NewResponseController(x.ResponseWriter)
	if connection.Flush() != nil || connection.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return // there is no connection, or nobody at its other end
	}
	connlimit.Answered(x.context())
	_, _ = io.CopyN(io.Discard, x.request.Body, lingerBytes) // whatever it is, it is not wanted
}
