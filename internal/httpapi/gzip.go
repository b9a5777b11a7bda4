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
	"sync"
)

// gzipped is a document that is kept compressed, as it is kept to clients that
// take it so. The others get the plain form, which is made when the first of them
// asks: hardly anybody does.
type gzipped struct {
	contentType string
	compressed  []byte
	tag         func() string // of the compressed form
	plain       func() ([]byte, error)
}

func newGzipped(contentType string, compressed []byte, tag func() string) gzipped {
	return gzipped{contentType, compressed, tag, sync.OnceValues(func() ([]byte, error) { return decompress(compressed) })}
}

// send answers with the form that the client takes. The two have different tags,
// as they have different bytes.
func (g gzipped) send(x *exchange) error {
	x.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(x.request.Header["Accept-Encoding"]) {
		if current(x, g.tag()) {
			return nil
		}
		x.Header().Set("Content-Encoding", "gzip")
		return x.send(http.StatusOK, g.contentType, g.compressed)
	}
	plain, err := g.plain()
	if err != nil {
		return err
	}
	return sendDocument(x, g.contentType, strings.TrimSuffix(g.tag(), `"`)+`-plain"`, plain)
}

func decompress(compressed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

// maxCodings is how many entries of an Accept-Encoding are looked at: there are
// fewer codings than that.
const maxCodings = 16

// acceptsGzip reports whether the fields of an Accept-Encoding name gzip with a
// weight above 0. A malformed entry is ignored.
func acceptsGzip(fields []string) bool {
	entries := strings.SplitN(strings.Join(fields, ","), ",", maxCodings+1)
	return slices.ContainsFunc(entries[:min(len(entries), maxCodings)], func(entry string) bool {
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
