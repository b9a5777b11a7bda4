package sqlite

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// errHeld reports that another process owns the record.
var errHeld = errors.New("another process holds the lock")

// lock locks a file, until this process closes it or ends. The lock file is never removed:
// two processes could then hold locks of the same name. Links are not followed: a user
// with access to the folder could have any file locked.
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

// inode is a file, whatever its path leads to later.
type inode struct {
	path string
	info os.FileInfo
}

func inodeOf(path string) (inode, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return inode{}, fmt.Errorf("looking at %s: %w", path, err)
	}
	return inode{path, info}, nil
}

func (i inode) intact() error {
	now, err := inodeOf(i.path)
	if err == nil && !os.SameFile(i.info, now.info) {
		err = fmt.Errorf("%s is another file than it was", i.path)
	}
	return err
}
