package cloud

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// wholeRequests hands net/http each request's body as one piece of memory, so
// that it is sent together with the head.
//
// The SDK's own body is a stream to net/http, which sends it afterwards; the SDK
// closes it when the answer arrives, and when the answer is quicker than the
// sending, net/http takes that for a failure to send and cuts the connection off
// while the answer is still being read (smithy-go v1.28.9).
type wholeRequests struct{ aws.HTTPClient }

func (c wholeRequests) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.HTTPClient.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	whole := r.Clone(r.Context())
	whole.Body = io.NopCloser(bytes.NewReader(body))
	whole.ContentLength = int64(len(body))
	response, err := c.HTTPClient.Do(whole)
	_ = r.Body.Close() // it is memory; there is nothing to fail
	return response, err
}
