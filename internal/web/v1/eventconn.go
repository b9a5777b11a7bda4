package v1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
)

// serveEvents takes the connection from net/http, whose buffers and goroutine are most
// of what an open stream would cost, and sends the stream over it from now on. The
// response has no length: it ends with the connection.
func serveEvents(w http.ResponseWriter, first [][]byte, stream *events.Stream, guest Guest) error {
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
	go sendEvents(&eventConn{conn: conn, stream: stream, guest: guest}, append([][]byte{head.Bytes()}, first...))
	return nil
}

// eventConn is a connection over which a stream of server-sent events is sent.
type eventConn struct {
	conn   net.Conn
	stream *events.Stream
	guest  Guest
}

// errLeft is that the client has closed the connection, or does not read from it.
var errLeft = errors.New("the client has left")

// sendEvents sends what comes until the client leaves, is too slow or not known any
// more, or the service stops.
func sendEvents(e *eventConn, first [][]byte) {
	began := time.Now()
	defer e.guest.Leave()
	defer e.stream.Close()
	defer e.conn.Close()
	defer func() {
		if fault := recover(); fault != nil {
			e.guest.Log.Error("panic", "fault", fault, "stack", string(debug.Stack()))
		}
	}()
	// A client that does not take what it is sent must not hold up a stop.
	stop := e.stream.OnClose(func() { _ = e.conn.SetWriteDeadline(time.Now().Add(endTime)) })
	defer stop()
	if len(first) == 1 { // a client to whom nothing is told can resume from here
		first = append(first, []byte("id: "+e.stream.Cursor().String()+"\n\n"))
	}
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	go e.untilItEnds(leave)
	why := e.run(ctx, first)
	if errors.Is(why, events.ErrTooSlow) {
		_ = e.drop() // who does not take even that is gone
	}
	level := slog.LevelInfo
	switch lsapi.ErrorCode(why) {
	case lsapi.CodeUnavailable, lsapi.CodeTimeout, lsapi.CodeThrottled, lsapi.CodeUpstream: // of the record
		level = slog.LevelWarn
	}
	e.guest.Log.LogAttrs(ctx, level, "stream ended", slog.Duration("duration", time.Since(began)), slog.Any("why", why))
}

// run sends what comes, and returns why it does not any more.
func (e *eventConn) run(ctx context.Context, frames [][]byte) error {
	checked := time.Now()
	for {
		if err := e.send(frames); err != nil {
			return fmt.Errorf("%w: %w", errLeft, err)
		}
		if time.Since(checked) >= keepAlive {
			checked = time.Now()
			if err := e.guest.Check(); err != nil {
				return err
			}
		}
		var err error
		if frames, err = e.stream.Next(ctx, keepAlive); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err //nolint:wrapcheck // says it all
		}
	}
}

// untilItEnds reads what the client sends, which is nothing, until it closes the
// connection or sends much all the same.
func (e *eventConn) untilItEnds(leave context.CancelCauseFunc) {
	buffer := make([]byte, 64)
	for taken := 0; taken < maxSent; {
		n, err := e.conn.Read(buffer)
		if err != nil {
			leave(errLeft)
			return
		}
		taken += n
	}
	leave(errors.New("the client has sent what no stream takes"))
}

// send sends events. Without any, it shows that the stream is alive, and where it is: a
// client that wants little must not resume from long ago.
func (e *eventConn) send(frames [][]byte) error {
	if len(frames) == 0 {
		frames = [][]byte{[]byte("id: " + e.stream.Cursor().String() + "\n\n")}
	}
	patience := eventTime
	if e.stream.Closed() {
		patience = endTime
	}
	if err := e.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if len(frames) > 1 {
		frames = [][]byte{bytes.Join(frames, nil)} // one packet, and one call of the system
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
