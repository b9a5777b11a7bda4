package v1

import (
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// membersAnswers keeps encoded sets of members. While a set stays the same, its pool returns
// the same slice.
type membersAnswers struct {
	kept *lru.Cache[lsapi.PoolID, membersAnswer]
}

type membersAnswer struct {
	members []lsapi.Member
	body    []byte
	etag    string
}

func newMembersAnswers() *membersAnswers {
	kept, _ := lru.New[lsapi.PoolID, membersAnswer](maxMembersAnswers) // fails for a size below 1 only
	return &membersAnswers{kept: kept}
}

// of returns the encoded set of a pool's members, which must not change afterwards.
func (a *membersAnswers) of(pool lsapi.PoolID, members []lsapi.Member) (membersAnswer, error) {
	if kept, ok := a.kept.Get(pool); ok && isSame(kept.members, members) {
		return kept, nil
	}
	ids := make([]lsapi.MemberID, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	set := apiv1.Membership{Pool: pool.Path(), Members: converted(ids, func(m *lsapi.MemberID) string { return m.String() })}
	slices.Sort(set.Members)
	body, err := exchange.EncodeJSON(set)
	if err != nil {
		return membersAnswer{}, err
	}
	answer := membersAnswer{members, body, `"` + lsapi.MembershipVersion(ids) + `"`}
	a.kept.Add(pool, answer)
	return answer, nil
}

// isSame reports whether two slices share all their elements.
func isSame(a, b []lsapi.Member) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
