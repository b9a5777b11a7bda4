package change

import (
	"lsapi"
	"lsapi/internal/web/exchange"
)

// Headers are what the headers of a request say about its changes.
type Headers struct {
	// Reason is the caller's reason, for the record. It may be empty.
	Reason string

	override, key string
	keyed         bool
}

// Mistake is what is wrong with a header of a request.
type Mistake struct{ Header, Text string }

// ReadHeaders returns the headers X-Reason, Idempotency-Key and X-Override-Guard, and those
// that are malformed.
func ReadHeaders(x *exchange.Exchange) (h Headers, wrong []Mistake) {
	note := func(header string, err error) {
		if err != nil {
			wrong = append(wrong, Mistake{header, lsapi.AsError(err).Message})
		}
	}
	var err error
	h.Reason, err = x.Reason()
	note("X-Reason", err)
	h.key, h.keyed, err = x.IdempotencyKey()
	note("Idempotency-Key", err)
	h.override, err = x.Override()
	note("X-Override-Guard", err)
	return h, wrong
}

// Terms are what a request says about its changes.
type Terms struct {
	Headers
	// IfMatch and MinInService are as in lsapi.Terms.
	IfMatch      []string
	MinInService int
	// DryRun decides the request and neither makes nor records its changes. Its key is not
	// reserved, and it must not wait.
	DryRun bool
	// Body is the request's: under the same key it must be the same.
	Body []byte
	Wait Wait
}

// ofRequest returns the terms that the lane decides by.
func (t *Terms) ofRequest() lsapi.Terms {
	return lsapi.Terms{IfMatch: t.IfMatch, Override: t.override, MinInService: t.MinInService, DryRun: t.DryRun}
}

// reserves reports whether the request reserves its idempotency key.
func (t *Terms) reserves() bool { return t.keyed && !t.DryRun }

// permit returns CodeDenied for an override by an actor that may not.
func (c *Changer) permit(x *exchange.Exchange, pool lsapi.PoolID, t *Terms) error {
	if t.override == "" || c.Overrides == nil || c.Overrides.MayOverride(x.Actor, pool) {
		return nil
	}
	return lsapi.Errorf(lsapi.CodeDenied, "%s may not override the guards of this pool", x.Actor.Name)
}
