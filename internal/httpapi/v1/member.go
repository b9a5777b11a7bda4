package v1

import (
	"net/http"
)

// memberQuery is what GET /v1/load-balancers/{name}/members/{instanceId} takes.
type memberQuery struct {
	Name       string `path:"name" pattern:"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$" doc:"The name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end. Any other name is 404" example:"default-elb"`
	InstanceID string `path:"instanceId" pattern:"^i-([0-9a-f]{8}|[0-9a-f]{17})$" doc:"The id of an instance: i- and 8 or 17 lower-case hexadecimal digits. Any other id is 404" example:"i-5203422c"`
}

func (a *API) member(w http.ResponseWriter, r *http.Request, q *memberQuery) error {
	ctx, cancel := a.deadline(r)
	defer cancel()
	found, err := a.Fleet.Member(ctx, q.Name, q.InstanceID)
	if err != nil {
		return err
	}
	return sendJSON(w, newMember(&found))
}
