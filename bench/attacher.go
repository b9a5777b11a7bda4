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

// attacher is a client that attaches one instance, on a connection of its own.
type attacher struct {
	service        *service
	http           *http.Client
	path, instance string
	// put sends PUT to the path, in place of POST with the instance.
	put bool

	attached bool
	retries  int
	unsure   bool // the outcome of an earlier request is unknown
}

func newAttacher(s *service, path, instance string) attacher {
	// The connection ends with the service, before the next is measured.
	return attacher{service: s, path: path, instance: instance, http: &http.Client{Transport: &http.Transport{}}}
}

// newGroupAttacher returns an attacher to the n-th target group.
func newGroupAttacher(s *service, n int, instance string) attacher {
	a := newAttacher(s, groupPath(n)+"/members/"+instance, instance)
	a.put = true
	return a
}

// connect makes the connection before the clock runs.
func (a *attacher) connect(ctx context.Context) error {
	_, _, err := a.send(ctx, http.MethodGet, "/healthcheck", "")
	return err
}

// attach retries until the response is 201. A conflict after an unknown outcome counts,
// too, or 200 to a PUT: then that attach succeeded.
func (a *attacher) attach(ctx context.Context) error {
	method, body := http.MethodPost, fmt.Sprintf(`{"instanceId":%q}`, a.instance)
	if a.put {
		method, body = http.MethodPut, ""
	}
	for {
		status, header, err := a.send(ctx, method, a.path, body)
		if err != nil {
			return err
		}
		switch status {
		case http.StatusCreated:
			a.attached = true
			return nil
		case http.StatusConflict, http.StatusOK:
			if a.unsure {
				a.attached = true
				return nil
			}
			return fmt.Errorf("attach %s: without an earlier attach, the response is %d", a.instance, status)
		case http.StatusServiceUnavailable:
		case http.StatusGatewayTimeout:
			a.unsure = true
		default:
			return fmt.Errorf("attach %s: %d", a.instance, status)
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
