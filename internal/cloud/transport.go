package cloud

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"lsapi/internal/clock"
)

// bufferedRequests passes request bodies to net/http in memory, so that it sends them
// together with the header.
//
// The SDK's body is a stream, which net/http sends after the header. The SDK closes it when
// the response arrives. If that is before the body was sent, net/http reports a failure
// and closes the connection while the response is still being read (smithy-go v1.28.9).
type bufferedRequests struct{ aws.HTTPClient }

func (c bufferedRequests) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.HTTPClient.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	buffered := r.Clone(r.Context())
	buffered.Body = io.NopCloser(bytes.NewReader(body))
	buffered.ContentLength = int64(len(body))
	response, err := c.HTTPClient.Do(buffered)
	_ = r.Body.Close() // it is in memory
	return response, err
}

// dateObserver passes the Date header of each response to observe.
type dateObserver struct {
	aws.HTTPClient
	observe func(clock.Reading)
}

func (c dateObserver) Do(r *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := c.HTTPClient.Do(r)
	if err != nil {
		return response, err
	}
	received := time.Now()
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		c.observe(clock.Reading{Time: date, Resolution: time.Second, Received: received, Took: received.Sub(began)})
	}
	return response, nil
}
