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
	"lsapi/internal/web/exchange"
)

// serveEvents takes the connection over from net/http, whose buffers and goroutine would
// be most of the cost of a stream, and starts to send. The response has no length: it ends
// with the connection.
func serveEvents(x *exchange.Exchange, first [][]byte, stream *events.Stream, session *exchange.StreamSession) error {
	header := x.Header().Clone()
	conn, _, err := x.Hijack()
	if err != nil {
		return &lsapi.Error{Code: lsapi.CodeInternal, Err: err}
	}
	_ = conn.SetDeadline(time.Time{}) // the server's are for short requests
	var head bytes.Buffer
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	head.WriteString("HTTP/1.1 200 OK\r\n")
	_ = header.Write(&head) // a buffer does not fail
	head.WriteString("\r\n")
	go sendEvents(&eventConn{conn: conn, stream: stream, session: session}, append([][]byte{head.Bytes()}, first...))
	return nil
}

// eventConn is a connection that carries a stream of server-sent events.
type eventConn struct {
	conn    net.Conn
	stream  *events.Stream
	session *exchange.StreamSession
}

// errLeft is the end of a stream whose client closed the connection, or does not read.
var errLeft = errors.New("the client has left")

// sendEvents sends the stream until the client leaves, is too slow or loses its
// credentials, or the service stops.
func sendEvents(e *eventConn, first [][]byte) {
	began := time.Now()
	defer e.session.Leave()
	defer e.stream.Close()
	defer e.conn.Close()
	defer func() {
		if fault := recover(); fault != nil {
			e.session.Log.Error("panic", "fault", fault, "stack", string(debug.Stack()))
		}
	}()
	// A client that does not read must not delay a stop.
	stop := e.stream.OnClose(func() { _ = e.conn.SetWriteDeadline(time.Now().Add(endTime)) })
	defer stop()
	if len(first) == 1 { // no events: the client can resume from here
		first = append(first, e.position())
	}
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	go e.awaitEnd(leave)
	why := e.run(ctx, first)
	if errors.Is(why, events.ErrTooSlow) {
		_ = e.sendDropped() // the connection is closed in any case
	}
	level := slog.LevelInfo
	switch lsapi.ErrorCode(why) {
	case lsapi.CodeUnavailable, lsapi.CodeTimeout, lsapi.CodeThrottled, lsapi.CodeUpstream: // of the record
		level = slog.LevelWarn
	}
	e.session.Log.LogAttrs(ctx, level, "stream ended", slog.Duration("duration", time.Since(began)), slog.Any("why", why))
}

// run sends the frames and then the stream. It returns why the stream ended.
func (e *eventConn) run(ctx context.Context, frames [][]byte) error {
	checked := time.Now()
	for {
		if err := e.send(frames); err != nil {
			return fmt.Errorf("%w: %w", errLeft, err)
		}
		if time.Since(checked) >= keepAlive {
			checked = time.Now()
			if err := e.session.Revalidate(); err != nil {
				return err
			}
		}
		var err error
		if frames, err = e.stream.Next(ctx, keepAlive); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err //nolint:wrapcheck // complete
		}
	}
}

// awaitEnd reads from the client, which sends nothing, until it closes the connection or
// sends too much.
func (e *eventConn) awaitEnd(leave context.CancelCauseFunc) {
	buffer := make([]byte, 64)
	for received := 0; received < maxSent; {
		n, err := e.conn.Read(buffer)
		if err != nil {
			leave(errLeft)
			return
		}
		received += n
	}
	leave(errors.New("the client has sent what no stream takes"))
}

// position returns a message that only moves the client's Last-Event-ID.
func (e *eventConn) position() []byte { return []byte("id: " + e.stream.Cursor().String() + "\n\n") }

// send sends frames, or the position if there are none: the stream is alive, and a client
// with a narrow filter can resume from a recent position.
func (e *eventConn) send(frames [][]byte) error {
	if len(frames) == 0 {
		frames = [][]byte{e.position()}
	}
	timeout := eventTime
	if e.stream.Closed() {
		timeout = endTime
	}
	if err := e.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if len(frames) > 1 {
		frames = [][]byte{bytes.Join(frames, nil)} // one packet, one system call
	}
	_, err := e.conn.Write(frames[0])
	return err
}

// sendDropped sends the event that the client was too slow. It has no id, so the client
// resumes after the last event that it received.
func (e *eventConn) sendDropped() error {
	dropped := apiv1.Event{
		Type: apiv1.EventDropped, At: instant(time.Now().UTC()),
		Detail: "this stream was read too slowly, and what came next is lost to it; connect again with Last-Event-ID to get it",
	}
	return e.send([][]byte{append(encodeEvent(&dropped).Body, '\n')})
}
