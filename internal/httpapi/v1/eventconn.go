package v1

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
)

// serveEvents takes the connection from net/http, whose buffers and goroutine are most
// of what an open stream would cost, and sends the stream over it from now on. The
// response has no length: it ends with the connection.
func serveEvents(w http.ResponseWriter, first [][]byte, stream *events.Stream) error {
	header := w.Header().Clone()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return &lsapi.Error{Code: lsapi.CodeInternal, Err: err}
	}
	_ = conn.SetDeadline(time.Time{}) // those of the server are for requests that are answered at once
	var head bytes.Buffer
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&head) // a buffer takes everything
	head.WriteString("\r\n")
	go sendEvents(&eventConn{conn: conn, stream: stream}, append([][]byte{head.Bytes()}, first...))
	return nil
}

// sendEvents sends what comes until the client leaves, is too slow, or the service
// stops.
func sendEvents(e *eventConn, first [][]byte) {
	defer e.stream.Close()
	defer e.conn.Close()
	// A client that does not take what it is sent must not hold up a stop.
	stop := e.stream.AfterEnd(func() { _ = e.conn.SetWriteDeadline(time.Now().Add(endTime)) })
	defer stop()
	if len(first) == 1 { // a client to whom nothing is told can resume from here
		first = append(first, []byte("id: "+e.stream.Place().String()+"\n\n"))
	}
	if e.send(first) != nil {
		return
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	go e.untilItEnds(leave)
	for {
		frames, err := e.stream.Next(ctx, keepAlive)
		if errors.Is(err, events.ErrTooSlow) {
			_ = e.drop() // who does not take even that is gone
		}
		if err != nil || e.send(frames) != nil {
			return
		}
	}
}

// eventConn is a connection over which a stream of server-sent events is sent.
type eventConn struct {
	conn   net.Conn
	stream *events.Stream
}

// untilItEnds reads what the client sends, which is nothing, until it closes the
// connection.
func (e *eventConn) untilItEnds(leave func()) {
	defer leave()
	for nothing := make([]byte, 1); ; {
		if _, err := e.conn.Read(nothing); err != nil {
			return
		}
	}
}

// send sends events. Without any, it shows that the stream is alive, and where it is: a
// client that wants little must not resume from long ago.
func (e *eventConn) send(frames [][]byte) error {
	if len(frames) == 0 {
		frames = [][]byte{[]byte("id: " + e.stream.Place().String() + "\n\n")}
	}
	if err := e.conn.SetWriteDeadline(time.Now().Add(eventTime)); err != nil {
		return err
	}
	if len(frames) > 1 {
		frames = [][]byte{bytes.Join(frames, nil)}
	}
	_, err := e.conn.Write(frames[0])
	return err
}

// drop tells the client that it was too slow. The event has no id: resuming goes on
// behind the last that was told.
func (e *eventConn) drop() error {
	told := apiv1.Event{
		Type: apiv1.EventDropped, At: instant(time.Now().UTC()),
		Detail: "this stream was read too slowly, and what came next is lost to it; connect again with Last-Event-ID to get it",
	}
	return e.send([][]byte{append(encodeEvent(&told), '\n')})
}
