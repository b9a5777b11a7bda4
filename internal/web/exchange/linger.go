package exchange

import (
	"io"
	"net/http"
	"time"

	"lsapi/internal/connlimit"
)

const (
	// lingerTime bounds the reading of an unwanted body before its connection is closed.
	lingerTime = 500 * time.Millisecond
	// lingerBytes is what net/http reads of such a body on a connection that it keeps.
	lingerBytes = 256 << 10
)

// linger reads the rest of the body before its connection is closed. Closing with unread
// data would reset the connection, which can discard the response on its way.
func (x *Exchange) linger() {
	closes := x.Request.Close || x.Header().Get("Connection") == "close"
	if x.hijacked || !closes || x.Request.ContentLength == 0 {
		return
	}
	connection := http.NewResponseController(x.ResponseWriter)
	if connection.Flush() != nil || connection.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return // the client is gone, or there is no connection
	}
	connlimit.Answered(x.Context())
	_, _ = io.CopyN(io.Discard, x.Request.Body, lingerBytes)
}
