package v1

import (
	"fmt"
	"net/http"
	"strings"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/change"
	"lsapi/internal/web/exchange"
)

// patchMembersQuery is what PATCH /v1/pools/{kind}/{name}/members takes.
type patchMembersQuery struct {
	PoolPath
	Atomic string `query:"atomic" enum:"true,false" doc:"Send none of the changes if one is refused before AWS is called: by a guard, or because its instance cannot be attached. AWS itself takes the members one by one"`
	ChangeTerms
}

// putMembersQuery is what PUT /v1/pools/{kind}/{name}/members takes.
type putMembersQuery struct {
	PoolPath
	Additive string `query:"additive" enum:"true,false" doc:"Attach what is missing, and detach nothing"`
	ChangeTerms
}

func (a *API) patchMembers(x *exchange.Exchange, q *patchMembersQuery, wrong []apiv1.Detail) error {
	return a.changeMembers(x, q.id(), &q.ChangeTerms, wrong, bulkForm{
		lists: []string{"attach", "detach"}, flag: "atomic=" + q.Atomic,
		fill: func(r *change.BulkRequest, b *bulkBody) {
			if len(b.lists["attach"])+len(b.lists["detach"]) == 0 && len(b.wrong) == 0 {
				b.mistake("", "it names no members in attach or detach")
			}
			r.Atomic = q.Atomic == "true"
			for _, member := range b.lists["attach"] {
				r.Items = append(r.Items, lsapi.BulkItem{Action: lsapi.Attach, Member: member})
			}
			for _, member := range b.lists["detach"] {
				r.Items = append(r.Items, lsapi.BulkItem{Action: lsapi.Detach, Member: member})
			}
		},
	})
}

func (a *API) putMembers(x *exchange.Exchange, q *putMembersQuery, wrong []apiv1.Detail) error {
	return a.changeMembers(x, q.id(), &q.ChangeTerms, wrong, bulkForm{
		lists: []string{membersField}, flag: "additive=" + q.Additive,
		fill: func(r *change.BulkRequest, b *bulkBody) {
			r.Desired = &lsapi.DesiredMembers{Members: b.lists[membersField], Additive: q.Additive == "true"}
			checkDesired(r, b)
		},
	})
}

// membersField is the list of a desired set.
const membersField = "members"

// checkDesired adds what is wrong with a desired set. An empty one detaches every member: a
// script with an empty variable sends that too, so it takes an If-Match, which no such script has
// by accident.
func checkDesired(r *change.BulkRequest, b *bulkBody) {
	switch {
	case len(b.wrong) > 0 || len(r.Desired.Members) > 0:
	case r.Desired.Members == nil:
		b.mistake(membersField, "is missing")
	case r.Desired.Additive:
		b.mistake(membersField, "is empty, and nothing is to be detached")
	case r.IfMatch == nil:
		b.mistake(membersField, "is empty, which detaches every member; that takes If-Match, with the version of the members or *")
	}
}

// bulkForm is the form of a request for many members.
type bulkForm struct {
	lists []string // of its body
	// flag is what the query adds to the body: under one key it must be the same.
	flag string
	// fill sets the changes of the request, or adds what is wrong with the body.
	fill func(*change.BulkRequest, *bulkBody)
}

// changeMembers makes the changes of a bulk.
func (a *API) changeMembers(x *exchange.Exchange, pool lsapi.PoolID, q *ChangeTerms, wrong []apiv1.Detail, form bulkForm) error {
	w := a.readTerms(x, q, &wrong)
	r := change.BulkRequest{Pool: pool, Terms: w.Terms}
	size, err := a.readBulk(x, &r, form, &wrong)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	if err := acquire(x.Context(), a.changing, size, "too many members are being changed at once"); err != nil {
		return err
	}
	defer a.changing.Release(int64(size))
	made, err := a.Changes.MakeAll(x, r)
	result := newBulkResult(&r, &made)
	if err == nil && !r.DryRun {
		err = bulkError(result, made.Results)
	}
	return w.answer(x, http.StatusOK, result, bulkPath(made.BulkID), err)
}

// readBulk reads the body into the request, adds what is wrong with it, and returns the
// number of its members. Errors are those of a body that has to be answered alone.
func (a *API) readBulk(x *exchange.Exchange, r *change.BulkRequest, form bulkForm, wrong *[]apiv1.Detail) (size int, err error) {
	var isLarge bool
	defer func() {
		if isLarge {
			a.bodies.Release(1)
		}
	}()
	body, err := x.LargeBody(func() error {
		err := acquire(x.Context(), a.bodies, 1, "too many large bodies are being read at once")
		isLarge = err == nil
		return err
	})
	if err != nil {
		return 0, err
	}
	b, err := parseBulk(body, r.Pool.Kind, form.lists...)
	if lsapi.ErrorCode(err) == lsapi.CodeInvalid {
		*wrong = append(*wrong, apiv1.Detail{Location: "body", Message: strings.TrimPrefix(lsapi.AsError(err).Message, "the body ")})
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	form.fill(r, b)
	body = append(body, form.flag...)
	r.Body = body
	if b.reason != nil {
		if len(x.Request.Header["X-Reason"]) > 0 {
			b.mistake(reasonField, "is in the header X-Reason too")
		}
		r.Reason = *b.reason
	}
	*wrong = append(*wrong, b.wrong...)
	return max(1, len(r.Items)+len(b.lists[membersField])), nil
}

// bulkError returns the error of a bulk that failed, or whose effects were not confirmed.
func bulkError(result apiv1.BulkResult, results []change.BulkResult) error {
	failed, unconfirmed := 0, 0
	var why string
	for i := range results {
		switch {
		case results[i].Failed():
			failed++
		case results[i].Unconfirmed != nil:
			unconfirmed++
			why = results[i].Unconfirmed.Why
		}
	}
	switch {
	case failed > 0:
		return &lsapi.Error{
			Code: lsapi.CodeBulkFailed, Err: failedBulk{result},
			Message: fmt.Sprintf("%d of %d members are not as requested; results has the problem of each", failed, len(results)),
		}
	case unconfirmed > 0:
		return &lsapi.Error{
			Code: lsapi.CodeWaitFailed, Err: failedBulk{result},
			Message: fmt.Sprintf("the changes stand; the effects of %d of %d were not confirmed: %s", unconfirmed, len(results), why),
		}
	}
	return nil
}

// failedBulk is the result of a bulk, as the cause of an error.
type failedBulk struct{ result apiv1.BulkResult }

func (failedBulk) Error() string { return "some members are not as requested" }
