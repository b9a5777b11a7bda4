package emulator

import (
	"cmp"
	"slices"
)

// maxTags is AWS's quota of tags a resource.
const maxTags = 50

// tag is a name and a value on a load balancer or an instance. Lists of tags
// are sorted by key and never changed in place, so that readers may keep them.
type tag struct {
	Key   string
	Value string
}

// withTags returns tags with others laid over them.
func withTags(tags, others []tag) []tag {
	values := make(map[string]string, len(tags)+len(others))
	for _, t := range slices.Concat(tags, others) {
		values[t.Key] = t.Value
	}
	return tagsFrom(values)
}

// withoutTags returns tags without those keys.
func withoutTags(tags []tag, keys []string) []tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t tag) bool { return slices.Contains(keys, t.Key) })
}

// tagsFrom returns the tags of a map.
func tagsFrom(values map[string]string) []tag {
	tags := make([]tag, 0, len(values))
	for key, value := range values {
		tags = append(tags, tag{key, value})
	}
	slices.SortFunc(tags, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) })
	return tags
}
