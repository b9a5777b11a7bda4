package postgres

import (
	"context"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lsapi/internal/record"
)

// listen receives notifications on its own connection, and reconnects.
func (e *engine) listen(ctx context.Context, hints *record.Hints) {
	interrupted := false
	listening := func() {
		if interrupted {
			interrupted = false
			e.log.Info("notifications of other replicas are received again", slog.String("database", e.database.name))
		}
		hints.WakeAll()
	}
	for pause := firstListenPause; ctx.Err() == nil; pause = min(2*pause, maxListenPause) {
		connected, err := e.listenOnce(ctx, listening, hints)
		if connected {
			pause = firstListenPause
		}
		if !interrupted && ctx.Err() == nil {
			interrupted = true
			e.log.Warn("notifications of other replicas are not received: polling instead",
				slog.String("database", e.database.name), slog.String("problem", e.database.reason(err)))
		}
		_ = record.Pause(ctx, nil, pause)
	}
}

// listenOnce listens until the connection ends. It calls listening once it listens, and
// reports whether it did.
func (e *engine) listenOnce(ctx context.Context, listening func(), hints *record.Hints) (connected bool, err error) {
	channels := []string{leasesChannel, changesChannel, eventsChannel, listingsChannel, healthChannel}
	conn, err := connect(ctx, e.database.config.ConnConfig)
	if err != nil {
		return false, err
	}
	defer conn.close(ctx)
	if err := conn.exec(ctx, "LISTEN "+strings.Join(channels, "; LISTEN ")); err != nil {
		return false, err
	}
	listening()
	for {
		notification, err := conn.next(ctx)
		if err != nil {
			return true, err
		}
		switch notification.Channel {
		case leasesChannel:
			hints.Wake(notification.Payload)
		case changesChannel:
			hints.Wake(changesChannel)
			hints.Wake(eventsChannel)
		default:
			hints.Wake(notification.Channel)
		}
	}
}

// listenConn is a connection whose every call is bounded, so that a silent connection is
// noticed.
type listenConn struct{ conn *pgx.Conn }

// connect is bounded by connectTimeout for each address.
func connect(ctx context.Context, config *pgx.ConnConfig) (listenConn, error) {
	config = config.Copy()
	if err := rereadFiles(ctx, config); err != nil {
		return listenConn{}, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	return listenConn{conn}, err
}

func (c listenConn) exec(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	_, err := c.conn.Exec(ctx, statement)
	return err
}

func (c listenConn) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	_ = c.conn.Close(ctx)
}

// next waits for a notification, and checks a silent connection.
func (c listenConn) next(ctx context.Context) (*pgconn.Notification, error) {
	for {
		waiting, cancel := context.WithTimeout(ctx, listenCheck)
		notification, err := c.conn.WaitForNotification(waiting)
		cancel()
		if err == nil || ctx.Err() != nil || !pgconn.Timeout(err) {
			return notification, err
		}
		if err := c.exec(ctx, "-- ping"); err != nil {
			return nil, err
		}
	}
}
