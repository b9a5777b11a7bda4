package cloud

import (
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// dateResolution is that of a Date header.
const dateResolution = time.Second

// Date is what an answer said of AWS's clock.
type Date struct {
	// Time is the header, and Resolution what it is cut off to.
	Time       time.Time
	Resolution time.Duration
	// Received is when the answer came, and Took how long after the request.
	Received time.Time
	Took     time.Duration
}

// dated passes on the Date of each answer, whatever its status.
type dated struct {
	aws.HTTPClient
	observe func(Date)
}

func (c dated) Do(r *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := c.HTTPClient.Do(r)
	if err != nil {
		return response, err
	}
	received := time.Now()
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil { // none is no reading
		c.observe(Date{Time: date, Resolution: dateResolution, Received: received, Took: received.Sub(began)})
	}
	return response, nil
}
