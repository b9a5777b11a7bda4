package elb

import (
	"net/http"
	"net/url"
	"time"

	"lsapi"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// change attaches or detaches an instance.
func (a *API) change(x *exchange.Exchange, action lsapi.Action) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	member, err := instanceIDIn(body)
	if err != nil {
		return err
	}
	headers, wrong := change.ReadHeaders(x)
	if len(wrong) > 0 {
		return exchange.Invalid(wrong[0].Text)
	}
	query, err := url.ParseQuery(x.Request.URL.RawQuery)
	if err != nil {
		return exchange.Invalid("the query is malformed")
	}
	if term := termOfV1(query, x.Request.Header); term != "" {
		return exchange.Invalid(term + " is not supported here but in /v1/pools/elb/{name}/members")
	}
	timeout, err := waitTimeout(query)
	if err != nil {
		return err
	}
	made, err := a.Changes.Make(x, change.Request{
		Action: action, Pool: loadBalancer(x), Member: lsapi.InstanceMember(member),
		Terms: change.Terms{Headers: headers, Body: body, Wait: change.Wait{Timeout: timeout}},
	})
	if err != nil {
		return err
	}
	return x.SendJSON(http.StatusCreated, a.Envelope.Wrap(newMachineInfo(made.Instance)))
}

// termOfV1 returns a term of writes of /v1 that a request has, empty if it has none. To ignore
// it would change what its caller wanted unchanged.
func termOfV1(query url.Values, header http.Header) string {
	for _, name := range []string{"dryRun", "minInService"} {
		if query.Has(name) {
			return name
		}
	}
	if len(header.Values("If-Match")) > 0 {
		return "If-Match"
	}
	return ""
}

// waitTimeout returns the timeout of the wait that a query asks for, 0 for none. It reads
// the parameters wait and timeout, and ignores all others.
func waitTimeout(query url.Values) (time.Duration, error) {
	waits, timeouts := query["wait"], query["timeout"]
	switch {
	case len(waits) > 1 || len(timeouts) > 1:
		return 0, exchange.Invalid("wait and timeout may be there once each")
	case len(waits) == 1 && waits[0] != "true" && waits[0] != "false":
		return 0, exchange.Invalid("wait must be true or false")
	case len(timeouts) == 1 && timeouts[0] == "":
		return 0, exchange.Invalid("timeout is empty")
	}
	timeout, wrong := exchange.ParseTimeout(query.Get("timeout"), query.Get("wait") == "true", "wait=true")
	if wrong != "" {
		return 0, exchange.Invalid("timeout: " + wrong)
	}
	return timeout, nil
}
