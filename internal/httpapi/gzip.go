package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// sendGzipped answers with a document that is kept compressed, as it is kept to
// clients that take it so. The two forms have different tags, as they have
// different bytes.
func sendGzipped(x *exchange, contentType, tag string, compressed []byte) error {
	x.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(x.request.Header["Accept-Encoding"]) {
		if current(x, tag) {
			return nil
		}
		x.Header().Set("Content-Encoding", "gzip")
		return x.send(http.StatusOK, contentType, compressed)
	}
	if current(x, strings.TrimSuffix(tag, `"`)+`-plain"`) {
		return nil
	}
	return sendDecompressed(x, contentType, compressed)
}

// sendDecompressed streams: hardly anybody asks for it, and it is large.
func sendDecompressed(x *exchange, contentType string, compressed []byte) error {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return err
	}
	x.Header().Set("Content-Type", contentType)
	x.WriteHeader(http.StatusOK)
	_, err = io.Copy(x, reader) //nolint:gosec // G110: what is decompressed is a part of the program
	return err
}

// acceptsGzip reports whether the fields of an Accept-Encoding name gzip with a
// weight above 0. A malformed entry is ignored.
func acceptsGzip(fields []string) bool {
	entries := strings.Split(strings.Join(fields, ","), ",")
	return slices.ContainsFunc(entries, func(entry string) bool {
		coding, parameters, err := mime.ParseMediaType(entry)
		if err != nil || coding != "gzip" {
			return false
		}
		weight, given := parameters["q"]
		if !given {
			return true
		}
		q, err := strconv.ParseFloat(weight, 64)
		return err == nil && q > 0
	})
}
