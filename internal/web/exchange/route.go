package exchange

import (
	"net/http"
	"strings"

	"lsapi"
)

// Endpoint writes the response, or returns an error, which the Handler writes.
type Endpoint func(*Exchange) error

// Route is the methods of a path.
type Route struct {
	// Pattern is a pattern of http.ServeMux without a method.
	Pattern string
	// Public routes need no credentials.
	Public bool
	// Checks run in order after authentication and before the method is checked.
	Checks []Endpoint
	// Get also serves HEAD. A method without an Endpoint is not allowed.
	Get, Post, Put, Patch, Delete Endpoint
	// Routine requests, such as probes, are logged at debug if they succeed.
	Routine bool
}

// Endpoint returns the endpoint of a method, or nil.
func (r *Route) Endpoint(method string) Endpoint {
	switch method {
	case http.MethodGet, http.MethodHead:
		return r.Get
	case http.MethodPost:
		return r.Post
	case http.MethodPut:
		return r.Put
	case http.MethodPatch:
		return r.Patch
	case http.MethodDelete:
		return r.Delete
	}
	return nil
}

// Set sets the endpoint of one of the methods.
func (r *Route) Set(method string, e Endpoint) {
	switch method {
	case http.MethodGet:
		r.Get = e
	case http.MethodPost:
		r.Post = e
	case http.MethodPut:
		r.Put = e
	case http.MethodPatch:
		r.Patch = e
	case http.MethodDelete:
		r.Delete = e
	}
}

// Methods returns the allowed methods.
func (r *Route) Methods() (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if r.Endpoint(method) != nil {
			methods = append(methods, method)
		}
	}
	return methods
}

// NotAllowed answers 405 with the allowed methods.
func (r *Route) NotAllowed(x *Exchange) error {
	allowed := strings.Join(r.Methods(), ", ")
	x.Header().Set("Allow", allowed)
	return lsapi.Errorf(lsapi.CodeMethodNotAllowed, "the method is not allowed here; allowed are %s", allowed)
}

// ErrNoSuchPath returns the error of an unknown path.
func ErrNoSuchPath() error { return lsapi.Errorf(lsapi.CodeNotFound, "there is no such path") }
