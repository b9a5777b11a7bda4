package sqlite

import (
	"fmt"
	"os"
)

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

// intact returns an error unless the path still leads to the file.
func (i inode) intact() error {
	now, err := inodeOf(i.path)
	if err == nil && !os.SameFile(i.info, now.info) {
		err = fmt.Errorf("%s is another file than it was", i.path)
	}
	return err
}
