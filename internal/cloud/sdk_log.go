package cloud

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// sdkLogger passes the SDK's log to a slog.Logger. The SDK's default blocks on standard
// error.
type sdkLogger struct{ log *slog.Logger }

// Logf implements logging.Logger.
func (l sdkLogger) Logf(classification logging.Classification, format string, values ...any) {
	if l.log == nil {
		return
	}
	level := slog.LevelWarn
	if classification == logging.Debug {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "AWS SDK: "+fmt.Sprintf(format, values...))
}
