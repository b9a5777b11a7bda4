package v1

import (
	"net/http"

	apiv1 "lsapi/api/v1"
)

// memberQuery is what GET /v1/load-balancers/{name}/members/{instanceId} takes.
type memberQuery struct {
	Name       string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
	InstanceID string `path:"instanceId" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" doc:"The id of an instance: i- and 8 or 17 lower-case hexadecimal digits. Any other id is 404" example:"i-0592fe5ccee879f04"`
	Wait       string `query:"wait" enum:"inService,drained,absent" doc:"Answer when it is so. inService: it is a member that serves. drained: it is no member, and the load balancer is done with its requests in flight. absent: it is no member; it may still be drained. Any number of callers may wait: AWS is asked once for all of them. A load balancer or a proxy on the way must bear a connection that is silent for so long"`
	Timeout    string `query:"timeout" default:"60s" doc:"For how long to wait: a duration above 0 and at most 1h, such as 90s or 5m. Without wait, any value but the default is an error"`
}

func (a *API) member(w http.ResponseWriter, r *http.Request, q *memberQuery) error {
	timeout, wrong := ParseTimeout(q.Timeout)
	switch {
	case wrong != "":
		return invalid(apiv1.Detail{Location: "query.timeout", Message: wrong})
	case q.Wait != "":
		return a.await(w, r, q, timeout)
	case timeout != DefaultWait:
		return invalid(apiv1.Detail{Location: "query.timeout", Message: "only with wait; without it, the only value is the default, 60s"})
	}
	ctx, cancel := a.deadline(r)
	defer cancel()
	found, err := a.Fleet.Member(ctx, q.Name, q.InstanceID)
	if err != nil {
		return err
	}
	return sendJSON(w, newMember(&found))
}
