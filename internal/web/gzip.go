package web

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
	if accepts(x.request.Header["Accept-Encoding"], "gzip") {
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

// maxAccepted is how many entries of an Accept or Accept-Encoding are looked at:
// browsers send fewer.
const maxAccepted = 16

// accepts reports whether the fields of an Accept or Accept-Encoding name a type or
// coding, not by a wildcard, with a weight above 0. A malformed entry is ignored.
func accepts(fields []string, wanted string) bool {
	entries := strings.SplitN(strings.Join(fields, ","), ",", maxAccepted+1)
	return slices.ContainsFunc(entries[:min(len(entries), maxAccepted)], func(entry string) bool {
		name, parameters, err := mime.ParseMediaType(entry)
		if err != nil || name != wanted {
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
