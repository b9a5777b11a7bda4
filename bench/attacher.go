package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// shortPause is the pause before a retry without Retry-After.
const shortPause = 100 * time.Millisecond

// attacher is a client that attaches one instance, or detaches one, on a connection of its own.
type attacher struct {
	service            *service
	http               *http.Client
	method, path, body string
	// success is the status of the response when the change is made, and repeated when it was
	// made before.
	success, repeated int

	done    bool
	retries int
	unsure  bool // the outcome of an earlier request is unknown
}

// newAttacher returns an attacher to the load balancer at a path of the first API.
func newAttacher(s *service, path, instance string) attacher {
	return attacher{
		service: s, method: http.MethodPost, path: path, body: fmt.Sprintf(`{"instanceId":%q}`, instance),
		success: http.StatusCreated, repeated: http.StatusConflict,
		// The connection ends with the service, before the next is measured.
		http: &http.Client{Transport: &http.Transport{}},
	}
}

// newGroupAttacher returns an attacher to the n-th target group.
func newGroupAttacher(s *service, n int, instance string) attacher {
	a := newAttacher(s, groupPath(n)+"/members/"+instance, instance)
	a.method, a.body, a.repeated = http.MethodPut, "", http.StatusOK
	return a
}

// newDetacher returns a client that detaches a member from the pool at a path.
func newDetacher(s *service, pool, member string) attacher {
	a := newAttacher(s, pool+"/members/"+member, member)
	a.method, a.body, a.success, a.repeated = http.MethodDelete, "", http.StatusOK, http.StatusNotFound
	return a
}

// connect makes the connection before the clock runs.
func (a *attacher) connect(ctx context.Context) error {
	_, _, err := a.send(ctx, http.MethodGet, "/healthcheck", "")
	return err
}

// change retries until the change is made. That it was made before counts after an unknown
// outcome.
func (a *attacher) change(ctx context.Context) error {
	for {
		status, header, err := a.send(ctx, a.method, a.path, a.body)
		if err != nil {
			return err
		}
		switch status {
		case a.success:
			a.done = true
			return nil
		case a.repeated:
			if a.unsure {
				a.done = true
				return nil
			}
			return fmt.Errorf("%s %s: without an earlier change, the response is %d", a.method, a.path, status)
		case http.StatusServiceUnavailable:
		case http.StatusGatewayTimeout:
			a.unsure = true
		default:
			return fmt.Errorf("%s %s: %d", a.method, a.path, status)
		}
		a.retries++
		if err := pause(ctx, advised(header)); err != nil {
			return err
		}
	}
}

// advised returns the pause that a response advises.
func advised(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil {
		return shortPause
	}
	return time.Duration(seconds) * time.Second
}

func (a *attacher) send(ctx context.Context, method, path, body string) (status int, header http.Header, err error) {
	request, err := a.service.request(ctx, method, path, body)
	if err != nil {
		return 0, nil, err
	}
	response, err := a.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header, err
}
