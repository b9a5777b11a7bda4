package record

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		found, err := Read(ctx, Engine(hangingReader{disk: disk}), func(Tables) (int, error) { return 1, nil })
		if found != 0 || lsapi.ErrorCode(err) != lsapi.CodeTimeout || time.Since(began) != time.Second {
			t.Errorf("got %d, %v after %v", found, err, time.Since(began))
		}
		close(disk)
	})
}

// hangingReader is a SQLite engine whose disk does not answer.
type hangingReader struct {
	Engine
	disk <-chan struct{}
}

func (h hangingReader) View(ctx context.Context, read func(Tables) error) error {
	return Within(ctx, func(context.Context) error {
		<-h.disk
		return read(nil)
	})
}
