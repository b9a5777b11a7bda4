// Package guarded reads files that decide who may do what.
package guarded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// Read returns the text of a file, without a byte order mark; of the null device,
// none. It refuses what is no regular file, such as a pipe, which could keep it
// waiting for ever; a file that everybody on the machine can write to; and one of
// more than most bytes, which keeps a wrong path from filling the memory. Its errors
// do not name the path, which the caller's message does, and show nothing of the
// text.
func Read(path string, most int64) ([]byte, error) {
	if path == os.DevNull {
		return nil, nil // the usual way to name no file
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is opened without who writes to it
	if err != nil {
		return nil, WithoutPath(err)
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, WithoutPath(err)
	case info.IsDir():
		return nil, errors.New("it is a directory")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Mode()&0o002 != 0 && runtime.GOOS != "windows":
		return nil, errors.New("everybody on this machine can write to it; take that from them with chmod o-w")
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, WithoutPath(err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("it is larger than %d bytes", most)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil // some editors begin with one
}

// WithoutPath drops from a file's error the path.
func WithoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
