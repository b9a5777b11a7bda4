//go:build !linux

package sqlite

import (
	"errors"
	"time"
)

// systemBoot returns an error: processes of this system share only the wall clock.
func systemBoot() (id string, since time.Duration, err error) {
	return "", 0, errors.ErrUnsupported
}
