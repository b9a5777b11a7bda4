package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// closeTimeout bounds closing the record.
const closeTimeout = 5 * time.Second

// withRecord opens the record read-only, calls read and closes it.
func withRecord(c *cobra.Command, p Process, read func(context.Context, record.Store) error) (err error) {
	sources := config.Sources{Flags: c.Flags(), Environ: p.Environ, EnvFile: config.DefaultEnvFile}
	url, err := config.Store(sources)
	if err != nil {
		return err
	}
	ctx, stop := untilSignalled(c.Context())
	defer stop()
	record, err := open.URL(ctx, string(url), record.Options{ReadOnly: true})
	if err != nil {
		return located(&app.StoreError{Err: err}, sources)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if failed := record.Close(closing); err == nil {
			err = failed
		}
	}()
	if err := read(ctx, record); err == nil || ctx.Err() == nil {
		return err
	}
	return interrupted{"stopped by a signal"}
}

// located adds the setting of the record's URL, and where it is set, to an error of the
// record.
func located(err error, s config.Sources) error {
	if is[*app.StoreError](err) {
		return fmt.Errorf("%s: %w", config.StoreOrigin(s), err)
	}
	return err
}
