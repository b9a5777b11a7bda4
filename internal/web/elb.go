package web

import (
	"strings"

	"lsapi"
)

// authenticate finds out who asks. Of several Authorization headers none counts: a proxy
// may have checked any of them.
func (s *server) authenticate(x *exchange) error {
	if s.spare(x.context()) {
		x.Header().Set("Connection", "close") // the next one may have room
		return errNoRoom()
	}
	fields := x.request.Header["Authorization"]
	if len(fields) > 1 {
		return lsapi.Errorf(lsapi.CodeUnauthenticated, "Authorization is there more than once")
	}
	actor, err := s.authenticator.Authenticate(x.context(), strings.Join(fields, ""), s.client(x))
	x.actor = actor
	return err
}

func errNoRoom() error {
	return lsapi.Errorf(lsapi.CodeThrottled, "too many connections are open")
}

// nameParameter is what the contract calls the load balancer's name.
const nameParameter = "elbName"

// loadBalancer is the name in the request's path.
func loadBalancer(x *exchange) string { return x.request.PathValue(nameParameter) }

// checkInstance returns a check that spares AWS questions about ids that EC2 would
// never give.
func checkInstance(parameter string) endpoint {
	return func(x *exchange) error {
		if !lsapi.ValidInstanceID(x.request.PathValue(parameter)) {
			return lsapi.Errorf(lsapi.CodeNotFound,
				"there is no such instance; an id is i- and 8 or 17 lower-case hexadecimal digits")
		}
		return nil
	}
}

// checkName returns a check that spares AWS questions about names that it would
// never give.
func checkName(parameter string) endpoint {
	return func(x *exchange) error {
		if !lsapi.ValidLoadBalancerName(x.request.PathValue(parameter)) {
			return lsapi.Errorf(lsapi.CodeNotFound,
				"there is no such load balancer; a name is 1 to 32 letters, digits and hyphens, with no hyphen at either end")
		}
		return nil
	}
}
