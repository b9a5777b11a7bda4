package httpapi

import (
	"net/http"

	"lsapi"
)

// authenticate finds out who asks. Several Authorization headers are as good as
// none: who could say which of them a proxy has looked at?
func (s *server) authenticate(x *exchange) error {
	var credentials string
	if fields := x.request.Header["Authorization"]; len(fields) == 1 {
		credentials = fields[0]
	}
	actor, err := s.authenticator.Authenticate(x.context(), credentials, s.client(x))
	x.actor = actor
	return err
}

// nameParameter is what the contract calls the load balancer's name.
const nameParameter = "elbName"

// loadBalancer is the name in the request's path.
func loadBalancer(x *exchange) string { return x.request.PathValue(nameParameter) }

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

func (s *server) attach(x *exchange) error { return s.change(x, lsapi.Attach) }
func (s *server) detach(x *exchange) error { return s.change(x, lsapi.Detach) }

func (s *server) change(x *exchange, action lsapi.Action) error {
	if err := s.origins.Check(x.request); err != nil {
		// A browser adds Basic credentials by itself, whoever made it ask.
		return &refusal{status: http.StatusForbidden, message: "changes are not accepted from pages of another origin"}
	}
	instanceID, err := readInstanceID(x)
	if err != nil {
		return err
	}
	why, err := reason(x.request.Header)
	if err != nil {
		return err
	}
	ctx, cancel := s.deadline(x)
	defer cancel()
	result, err := s.membership.Change(ctx, lsapi.Request{
		ID:           x.id,
		Actor:        x.actor,
		Action:       action,
		LoadBalancer: loadBalancer(x),
		InstanceID:   instanceID,
		Reason:       why,
	})
	if err != nil {
		return err
	}
	return x.sendJSON(http.StatusCreated, s.envelope.value(newMachineInfo(result.Instance)))
}
