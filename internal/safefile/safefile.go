// Package safefile reads files that hold settings, credentials and permissions.
package safefile

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

// Read returns the text of a regular file without its byte order mark; /dev/null is
// an empty file. It rejects pipes and devices, which could block or never end, files
// that are world-writable, and files larger than most bytes. Errors contain neither
// the path, which the caller adds, nor any of the text.
func Read(path string, most int64) ([]byte, error) {
	if path == os.DevNull {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe would wait for its writer
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
		return nil, errors.New("it is not a regular file")
	case info.Mode()&0o002 != 0 && runtime.GOOS != "windows":
		return nil, errors.New("it is world-writable; run chmod o-w on it")
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, WithoutPath(err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("it is larger than %d bytes", most)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

// WithoutPath returns the cause of a file error, without the path.
func WithoutPath(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}
