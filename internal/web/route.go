package web

import (
	"net/http"
	"slices"
	"strings"
)

// endpoint answers a request, or returns why it does not.
type endpoint func(*exchange) error

// route is what one path answers.
type route struct {
	pattern string
	// checks come before the method is looked at, in order.
	checks []endpoint
	// get also answers HEAD. A nil endpoint is a method that is not allowed.
	get, post, delete endpoint
	// routine requests are logged at debug when they succeed.
	routine bool
}

// routes returns the router. Its patterns name no methods: the contract has
// credentials checked before the method is.
func (s *server) routes(metricsPublic bool, expect func(route, method string)) *http.ServeMux {
	mux := http.NewServeMux()
	routes := slices.Concat(s.documentRoutes(), s.metricsRoutes(metricsPublic), s.recordRoutes(), []route{
		{
			pattern: "/elb/{" + nameParameter + "}",
			checks:  []endpoint{s.authenticate, checkName(nameParameter)},
			get:     s.list, post: s.attach, delete: s.detach,
		},
		{pattern: "/healthcheck", get: s.up, routine: true},
		{pattern: "/readyz", get: s.isReady, routine: true},
	})
	for _, rt := range routes {
		mux.Handle(rt.pattern, s.handler(rt))
		if len(rt.checks) > 0 && !rt.routine { // the others are documents, and probes of the service itself
			for _, method := range rt.methods() {
				if method != http.MethodHead { // rare, and a quarter of the series
					expect(rt.pattern, method)
				}
			}
		}
	}
	mux.Handle("/", s.handler(route{pattern: "other", checks: []endpoint{func(*exchange) error { return errNoSuchPath() }}}))
	return mux
}

// handler is the one place in which what an endpoint returns becomes a response.
func (s *server) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		x := w.(*exchange) //nolint:errcheck // ServeHTTP wraps every request, and the mux hands on what it gets
		x.route = rt.pattern
		if err := rt.serve(x); err != nil {
			s.fail(x, err) //nolint:contextcheck // the exchange carries it
		}
	})
}

func (rt route) serve(x *exchange) error {
	for _, check := range rt.checks {
		if err := check(x); err != nil {
			return err
		}
	}
	serve := rt.endpoint(x.request.Method)
	if serve == nil {
		return &notAllowed{allow: rt.allow()}
	}
	x.routine = rt.routine
	return serve(x)
}

func (rt route) endpoint(method string) endpoint {
	switch method {
	case http.MethodGet, http.MethodHead:
		return rt.get
	case http.MethodPost:
		return rt.post
	case http.MethodDelete:
		return rt.delete
	}
	return nil
}

// allow is the value of the header Allow.
func (rt route) allow() string { return strings.Join(rt.methods(), ", ") }

func (rt route) methods() (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if rt.endpoint(method) != nil {
			methods = append(methods, method)
		}
	}
	return methods
}
