package change

import (
	"context"
	"strings"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// Request is a request for one change.
type Request struct {
	Action lsapi.Action
	Pool   lsapi.PoolID
	Member lsapi.MemberID
	// Undoes is the id of the change that this one undoes. Empty: none.
	Undoes string
	Terms
	// Idempotent makes the attach of a member succeed as Unchanged, in place of
	// CodeConflict.
	Idempotent bool
}

// unchanged reports whether the code of a change is a success for the request.
func (r *Request) unchanged(code lsapi.Code) bool {
	return r.Idempotent && r.Action == lsapi.Attach && code == lsapi.CodeConflict
}

// Made is a change that was made, or did not have to be. Of a dry run: that would be made.
type Made struct {
	// ChangeID is the change's id in the record. Empty if it is not on record.
	ChangeID string
	// Member has the port that was changed, also if the request had none.
	Member lsapi.MemberID
	// Unchanged is whether an attached member was one before.
	Unchanged bool
	// Instance is EC2's description of the instance. Zero if Unchanged.
	Instance lsapi.Instance
	// ReplacedBy is the Auto Scaling group that may replace a detached instance. Empty if
	// there is none.
	ReplacedBy string
	// Guard is the guard that the change overrode, or beside an error the one that refused
	// it. Nil: none.
	Guard *lsapi.GuardVerdict
}

// Make makes the change and waits for its effect. Under a reserved key it returns the
// outcome of the change that was made under the key, after the same wait. It sets the
// headers X-Change-Id and Warning. Errors are those of Membership.Change, and: CodeDenied
// for an override without the right, CodeInProgress and CodeKeyReused for a reserved key,
// CodeThrottled if too many requests wait, CodeWaitFailed if the change was made and its
// effect was not confirmed.
func (c *Changer) Make(x *exchange.Exchange, r Request) (Made, error) {
	if err := c.permit(x, r.Pool, &r.Terms); err != nil {
		return Made{}, err
	}
	w, err := c.admitWait(x, r.Wait, 1)
	if err != nil {
		return Made{}, err
	}
	defer w.leave()
	id, at, err := newID()
	if err != nil {
		return Made{}, err
	}
	request := lsapi.Request{
		ID: x.ID, ChangeID: id, At: at, Actor: x.Actor, Action: r.Action, Pool: r.Pool, Member: r.Member,
		Reason: r.Reason, Terms: r.ofRequest(), Undoes: r.Undoes,
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	if !r.reserves() {
		made, _, err := c.carryOut(ctx, x, &r, request, w)
		return made, err
	}
	return once(ctx, c, c.keyOf(x, &r.Terms, id, at), original[*lsapi.Change, Made]{
		carryOut: func() (Made, bool, error) { return c.carryOut(ctx, x, &r, request, w) },
		look:     c.lookAtChange,
		replay:   func(first *lsapi.Change) (Made, error) { return c.replay(x, &r, first, w) },
	})
}

// carryOut makes the change and waits for its effect. It also returns whether the change is on
// record, or may still be.
func (c *Changer) carryOut(ctx context.Context, x *exchange.Exchange, r *Request, request lsapi.Request, w wait) (made Made, recorded bool, err error) {
	result, err := c.Membership.Change(ctx, request)
	made = Made{Member: result.Member, Instance: result.Instance, Guard: result.Guard}
	if result.Recorded {
		made.ChangeID = request.ChangeID
		x.Header().Set("X-Change-Id", request.ChangeID)
	}
	if err != nil {
		if !r.unchanged(lsapi.ErrorCode(err)) {
			return made, result.Recorded || result.Pending, r.undoError(err)
		}
		made.Unchanged = true
	}
	made.warn(x, r.Action)
	return made, result.Recorded, c.awaitEffect(x, r, made, w) //nolint:contextcheck // the exchange carries it
}

// undoError returns the error of the request: an undo that finds the membership as it is to
// be comes too late.
func (r *Request) undoError(err error) error {
	if r.Undoes == "" || lsapi.ErrorCode(err) != lsapi.CodeConflict {
		return err
	}
	return &lsapi.Error{Code: lsapi.CodeSuperseded, Message: "the membership is not as the change left it: " + lsapi.AsError(err).Message, Err: err}
}

// awaitEffect waits until a change that was made shows its effect. Its errors cannot be
// mistaken for those of a change that was not made.
func (c *Changer) awaitEffect(x *exchange.Exchange, r *Request, made Made, w wait) error {
	unconfirmed, err := c.await(x, r.Pool, []effect{{made.Member, r.Action}}, w)
	switch {
	case err != nil:
		return err
	case unconfirmed[0] == nil:
		return nil
	case made.Unchanged:
		return lsapi.Errorf(lsapi.CodeWaitFailed, "it is a member already, and was not changed; that it is in service was not confirmed: %s", unconfirmed[0].Why)
	}
	return lsapi.Errorf(lsapi.CodeWaitFailed, "AWS accepted the %s, and the change stands; its effect was not confirmed: %s", r.Action, unconfirmed[0].Why)
}

// warn sets ReplacedBy, and the header Warning that says so.
func (m *Made) warn(x *exchange.Exchange, action lsapi.Action) {
	if action == lsapi.Attach || m.Instance.AutoScalingGroup == "" {
		return
	}
	m.ReplacedBy = m.Instance.AutoScalingGroup
	text := m.Instance.ID + " is in the Auto Scaling group " + m.ReplacedBy + ", which may replace it"
	x.Header().Set("Warning", persistent+` - "`+quoted.Replace(text)+`"`)
}

// persistent is the code of the header Warning (RFC 7234, 5.5) for a text that no program
// acts on.
const persistent = "299"

// quoted escapes a text for a quoted-string.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ")
