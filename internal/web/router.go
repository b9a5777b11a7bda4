package web

import (
	"net/http"
	"path"
	"strings"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// router serves each request by its route, after authentication.
type router struct {
	*Options
	mux     *http.ServeMux // matches only; its handlers do nothing
	routes  map[string]*exchange.Route
	origins *http.CrossOriginProtection
}

func newRouter(o *Options) *router {
	r := &router{Options: o, mux: http.NewServeMux(), routes: make(map[string]*exchange.Route), origins: http.NewCrossOriginProtection()}
	r.mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {}) // keeps the mux from answering 404
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		r.Expect(unauthenticated, method)
	}
	return r
}

// add adds routes. Their patterns name no methods: credentials are checked before the
// method.
func (r *router) add(routes ...exchange.Route) {
	for i := range routes {
		route := &routes[i]
		r.routes[route.Pattern] = route
		r.mux.HandleFunc(route.Pattern, func(http.ResponseWriter, *http.Request) {})
		if route.Public || route.Routine {
			continue
		}
		for _, method := range route.Methods() {
			if method != http.MethodHead { // rare, and a quarter of the series
				r.Expect(route.Pattern, method)
			}
		}
	}
}

func (r *router) serve(x *exchange.Exchange) error {
	if !routable(x.Request) {
		return exchange.ErrNoSuchPath()
	}
	r.mux.ServeHTTP(x, x.Request) // sets the request's Pattern and path values
	route, found := r.routes[x.Request.Pattern]
	if !found {
		return exchange.ErrNoSuchPath()
	}
	x.Pattern = route.Pattern
	if !route.Public {
		if err := r.authenticate(x); err != nil {
			return err
		}
	}
	for _, check := range route.Checks {
		if err := check(x); err != nil {
			return err
		}
	}
	endpoint := route.Endpoint(x.Request.Method)
	if endpoint == nil {
		return route.NotAllowed(x)
	}
	if r.origins.Check(x.Request) != nil { // browsers add Basic credentials to requests of any page
		return lsapi.Errorf(lsapi.CodeDenied, "changes are not accepted from pages of another origin")
	}
	x.Routine = route.Routine
	return endpoint(x)
}

// routable reports whether ServeMux takes the request's path as it is. It would redirect
// or refuse others, such as //elb/x, /elb/../x, the * of OPTIONS and the empty path of
// CONNECT. No route ends in a slash.
func routable(r *http.Request) bool {
	p := r.URL.EscapedPath()
	switch {
	case !strings.HasPrefix(p, "/"):
		return false
	case strings.Contains(p, "/."): // rare, and path.Clean is slow
		return p == path.Clean(p)
	}
	return p == "/" || !strings.HasSuffix(p, "/") && !strings.Contains(p, "//")
}

// unauthenticated is the route, in the metrics, of requests whose credentials were rejected
// or not checked. Under their own routes, password guesses would count as failures of the
// service.
const unauthenticated = "unauthenticated"

// authenticate sets the exchange's actor.
func (r *router) authenticate(x *exchange.Exchange) error {
	if r.Spare(x.Context()) {
		x.Header().Set("Connection", "close") // the next connection may have room
		return lsapi.Errorf(lsapi.CodeThrottled, "too many connections are open")
	}
	err := r.checkCredentials(x)
	if err != nil {
		x.Pattern = unauthenticated
	}
	return err
}

// checkCredentials refuses several Authorization headers, because a proxy may have checked
// any of them.
func (r *router) checkCredentials(x *exchange.Exchange) error {
	fields := x.Request.Header["Authorization"]
	if len(fields) > 1 {
		return lsapi.Errorf(lsapi.CodeUnauthenticated, "Authorization is there more than once")
	}
	actor, err := r.Authenticator.Authenticate(x.Context(), strings.Join(fields, ""), x.Client())
	x.Actor = actor
	return err
}
