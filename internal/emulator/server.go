package emulator

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lsapi/internal/emulator/cloudwatch"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/wire"
)

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isCrossSite(r) || isRebound(r) {
		writeProblem(w, http.StatusForbidden, "this is for programs on this machine, not for web pages")
		return
	}
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		e.serveControl(w, r)
		return
	}
	requestID := uuid.NewString()
	if encoding, action := e.apis[cloudwatch.Version].RPC(r); encoding != nil {
		e.serveRPC(w, r, encoding, action, requestID)
		return
	}
	c, err := e.parse(w, r)
	if err != nil {
		c.API.WriteError(w, requestID, err)
		return
	}
	response, err := e.answer(r.Context(), c)
	if err != nil {
		c.API.WriteError(w, requestID, err)
		return
	}
	c.API.WriteAnswer(w, requestID, c.Action, response)
}

// parse reads a request in the query protocol. The call has an API, which encodes the
// answer, even if there is an error.
func (e *Emulator) parse(w http.ResponseWriter, r *http.Request) (wire.Call, error) {
	q, err := wire.ReadQuery(w, r)
	version, action := q.Text("Version"), q.Text("Action")
	c := wire.Call{Query: q, API: e.apiFor(version, r), Action: action}
	if err != nil {
		return c, err
	}
	if r.URL.Path != "/" || r.Method != http.MethodGet && r.Method != http.MethodPost {
		return c, &wire.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no API at " + r.Method + " " + r.URL.Path}
	}
	if !wire.Signed(r) {
		return c, wire.MissingAuthentication()
	}
	if _, ok := c.API.Operations[action]; !ok || version != c.API.Version {
		return c, c.API.UnknownAction(action, version)
	}
	return c, nil
}

// apiFor returns the API of a request by version, else by the scope of its signature,
// else Classic ELB, so that clients can decode the error for an invalid version.
func (e *Emulator) apiFor(version string, r *http.Request) *wire.API {
	if found, ok := e.apis[version]; ok {
		return found
	}
	if strings.Contains(r.Header.Get("Authorization"), "/ec2/aws4_request") {
		return e.apis[ec2.Version]
	}
	return e.apis[elb.Version]
}

func (e *Emulator) serveRPC(w http.ResponseWriter, r *http.Request, encoding *wire.Encoding, action, requestID string) {
	c := wire.Call{API: e.apis[cloudwatch.Version], Action: action, Encoding: encoding}
	err := c.ReadRPC(w, r)
	var response any
	if err == nil {
		response, err = e.answer(r.Context(), c)
	}
	c.WriteRPC(w, requestID, response, err)
}
