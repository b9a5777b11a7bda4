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
)

// Read returns the text of a file, without a byte order mark. It refuses a file
// that everybody on the machine can write to, and one of more than most bytes,
// which keeps a wrong path, such as that of a device, from filling the memory.
// Its errors do not name the path, which the caller's message does, and show
// nothing of the text.
func Read(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, WithoutPath(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o002 != 0 && runtime.GOOS != "windows" {
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
