package elb

import (
	"fmt"
	"slices"
	"strings"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// maxTagNames is the limit of load balancers in DescribeTags.
const maxTagNames = 20

func (s *Service) addTags(c wire.Call) (any, error) {
	b, err := s.taggedBalancer(c)
	if err != nil {
		return nil, err
	}
	tags := c.Tags("Tags.member")
	if len(tags) == 0 {
		var v wire.Validation
		v.Missing("tags")
		return nil, v.Err()
	}
	if err := validateTags(b.latest().tags, tags); err != nil {
		return nil, err
	}
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.tags = account.MergeTags(st.tags, tags) })
	return struct{}{}, nil
}

func (s *Service) removeTags(c wire.Call) (any, error) {
	b, err := s.taggedBalancer(c)
	if err != nil {
		return nil, err
	}
	keys := c.Column("Tags.member", "Key")
	b.revise(c.Time.Now, s.account.Lag, func(st *state) { st.tags = account.RemoveTags(st.tags, keys) })
	return struct{}{}, nil
}

// taggedBalancer returns the load balancer whose tags a call changes.
func (s *Service) taggedBalancer(c wire.Call) (*loadBalancer, error) {
	names := c.List("LoadBalancerNames.member")
	if len(names) != 1 {
		return nil, wire.ValidationFailed("Exactly one load balancer name must be given, not %d", len(names))
	}
	return s.find(names[0])
}

func (s *Service) describeTags(c wire.Call) (any, error) {
	names := c.List("LoadBalancerNames.member")
	var v wire.Validation
	if len(names) == 0 {
		v.Missing("loadBalancerNames")
	}
	if len(names) > maxTagNames {
		v.Fail(fmt.Sprintf("[%s]", strings.Join(names, ", ")), "loadBalancerNames",
			fmt.Sprintf("Member must have length less than or equal to %d", maxTagNames))
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	result := &describeTagsResult{}
	for _, name := range wire.Unique(names) {
		r, _ := s.read(name, c.Time)
		if r == nil {
			return nil, errNotFound(name)
		}
		result.TagDescriptions.Members = append(result.TagDescriptions.Members, tagDescription{name, wire.List[account.Tag]{Members: r.tags}})
	}
	return result, nil
}

// validateTags checks tags to add to present ones.
func validateTags(present, added []account.Tag) error {
	for n, t := range added {
		if !t.Valid() {
			return wire.ValidationFailed("A tag's key must have 1 to 128 characters and its value at most 256")
		}
		if slices.ContainsFunc(added[:n], func(other account.Tag) bool { return other.Key == t.Key }) {
			return wire.BadRequest("DuplicateTagKeys", "A tag key was specified more than once: %s", t.Key)
		}
	}
	if len(account.MergeTags(present, added)) > account.MaxTags {
		return wire.BadRequest("TooManyTags", "A resource can have at most %d tags", account.MaxTags)
	}
	return nil
}
