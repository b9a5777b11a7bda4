package v1

import (
	"io"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// converted returns the converted elements of a list. It is never nil, so an empty list
// is [] in JSON.
func converted[T, U any](list []T, convert func(*T) U) []U {
	all := make([]U, len(list))
	for i := range list {
		all[i] = convert(&list[i])
	}
	return all
}

// instant converts a time.
func instant(t time.Time) apiv1.Time { return apiv1.Time{Time: t} }

// seconds converts a duration of AWS, which are whole seconds.
func seconds(d time.Duration) int { return int(d / time.Second) }

func newChange(c *lsapi.Change) apiv1.Change {
	outcome := c.Outcome
	if outcome == "" {
		outcome = lsapi.OutcomeOpen
	}
	return apiv1.Change{
		ID:            c.ID,
		Actor:         c.Actor,
		Action:        string(c.Action),
		Pool:          c.Pool.Path(),
		Member:        c.Member.String(),
		Reason:        c.Reason,
		RequestID:     c.RequestID,
		Source:        string(c.Source),
		IntendedAt:    instant(c.IntendedAt),
		NotBefore:     instant(c.NotBefore),
		Outcome:       string(outcome),
		Code:          c.Code,
		Resolution:    string(c.Resolution),
		CompletedAt:   instant(c.CompletedAt),
		AWSRequestID:  c.AWSRequestID,
		MembersBefore: c.MembersBefore,
		MembersAfter:  c.MembersAfter,
		Bulk:          c.Bulk,
		Undoes:        c.Undoes,
		IfMatch:       c.IfMatch,
		Guard:         newGuard(c.Guard),
	}
}

func newMembershipAt(m *lsapi.MembershipAt) apiv1.MembershipAt {
	return apiv1.MembershipAt{
		Pool: m.Pool.Path(),
		At:   instant(m.At),
		Members: converted(m.Members, func(m *lsapi.RecordedMember) apiv1.RecordedMember {
			return apiv1.RecordedMember{Member: m.Member.String(), Since: instant(m.Since), ChangeID: m.ChangeID, Source: string(m.Source)}
		}),
		Uncertain: converted(m.Uncertain, newChange),
	}
}

// WriteLine writes a change as a line of application/x-ndjson, as the API answers it.
func WriteLine(w io.Writer, c *lsapi.Change) error { return exchange.WriteJSON(w, newChange(c)) }
