package emulator

import (
	"fmt"
	"slices"
	"strings"
)

// maxTagNames is how many load balancers DescribeTags takes.
const maxTagNames = 20

func (w *world) addTags(c call) (any, error) {
	b, err := w.taggedBalancer(c)
	if err != nil {
		return nil, err
	}
	tags := c.tags("Tags.member")
	if len(tags) == 0 {
		var v validation
		v.require("", "tags")
		return nil, v.err()
	}
	if err := validTags(b.latest().tags, tags); err != nil {
		return nil, err
	}
	b.revise(c.reading.now, w.lag, func(f *facts) { f.tags = withTags(f.tags, tags) })
	return struct{}{}, nil
}

func (w *world) removeTags(c call) (any, error) {
	b, err := w.taggedBalancer(c)
	if err != nil {
		return nil, err
	}
	keys := c.column("Tags.member", "Key")
	b.revise(c.reading.now, w.lag, func(f *facts) { f.tags = withoutTags(f.tags, keys) })
	return struct{}{}, nil
}

// taggedBalancer returns the one load balancer whose tags are to be changed.
func (w *world) taggedBalancer(c call) (*loadBalancer, error) {
	names := c.list("LoadBalancerNames.member")
	if len(names) != 1 {
		return nil, errValidation("Exactly one load balancer name must be given, not %d", len(names))
	}
	return w.balancer(names[0])
}

func (w *world) describeTags(c call) (any, error) {
	names := c.list("LoadBalancerNames.member")
	var v validation
	if len(names) == 0 {
		v.require("", "loadBalancerNames")
	}
	if len(names) > maxTagNames {
		v.fail(fmt.Sprintf("[%s]", strings.Join(names, ", ")), "loadBalancerNames",
			fmt.Sprintf("Member must have length less than or equal to %d", maxTagNames))
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	result := &describeTagsResult{}
	for _, name := range unique(names) {
		r := w.seen(name, c.reading)
		if r == nil {
			return nil, errLoadBalancerNotFound(name)
		}
		result.TagDescriptions.Members = append(result.TagDescriptions.Members, tagDescription{name, list[tag]{r.tags}})
	}
	return result, nil
}

// validTags refuses tags that a resource with tags of its own cannot take.
func validTags(present, added []tag) error {
	for n, t := range added {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 {
			return errValidation("A tag's key must have 1 to 128 characters and its value at most 256")
		}
		if slices.ContainsFunc(added[:n], func(other tag) bool { return other.Key == t.Key }) {
			return refusal("DuplicateTagKeys", "A tag key was specified more than once: %s", t.Key)
		}
	}
	if len(withTags(present, added)) > maxTags {
		return refusal("TooManyTags", "A resource can have at most %d tags", maxTags)
	}
	return nil
}
