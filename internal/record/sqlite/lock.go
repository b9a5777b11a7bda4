package sqlite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errHeld tells that another process owns the record.
var errHeld = errors.New("another process holds the lock")

// lock takes the lock of a file, which the kernel gives back when this process
// ends, however it does. The file that is locked stays: if it were removed, two
// processes could hold locks of the same name. A link in its place is not followed:
// whoever can make one in the folder could have any file locked.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return file, nil
	}
	if closing := file.Close(); closing != nil {
		return nil, closing
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errHeld
	}
	return nil, fmt.Errorf("locking: %w", err)
}
