package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is a file, or a folder if its name ends with a slash.
type entry struct {
	name    string
	mode    int64
	owner   int
	content []byte
}

func folder(name string) entry { return entry{name: name + "/", mode: 0o755} }

func file(name string, mode int64, content []byte) entry {
	return entry{name: name, mode: mode, content: content}
}

// layer returns a compressed layer with the entries in their order.
func (b build) layer(entries []entry) (v1.Layer, error) {
	var archive bytes.Buffer
	if err := writeTar(&archive, b.created, entries); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
}

// writeTar writes an archive whose bytes depend on the arguments alone.
func writeTar(w io.Writer, date time.Time, entries []entry) error {
	archive := tar.NewWriter(w)
	for _, each := range entries {
		header := &tar.Header{
			Format: tar.FormatUSTAR, Typeflag: tar.TypeReg,
			Name: each.name, Mode: each.mode, Uid: each.owner, Gid: each.owner,
			Size: int64(len(each.content)), ModTime: date,
		}
		if each.name[len(each.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(each.content); err != nil {
			return err
		}
	}
	return archive.Close()
}
