package account

import (
	"cmp"
	"slices"
)

// MaxTags is AWS's quota of tags per resource.
const MaxTags = 50

// Tag is a key and a value on a resource. Lists of tags are sorted by key and
// immutable, so readers may keep them.
type Tag struct {
	Key   string
	Value string
}

// Valid reports whether the key has 1 to 128 characters and the value at most 256.
func (t Tag) Valid() bool { return t.Key != "" && len(t.Key) <= 128 && len(t.Value) <= 256 }

// MergeTags returns tags with added ones; these replace tags of the same key.
func MergeTags(tags, added []Tag) []Tag {
	values := make(map[string]string, len(tags)+len(added))
	for _, t := range slices.Concat(tags, added) {
		values[t.Key] = t.Value
	}
	return TagsOf(values)
}

// RemoveTags returns tags without those keys.
func RemoveTags(tags []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}

// TagsOf returns the tags of a map.
func TagsOf(values map[string]string) []Tag {
	tags := make([]Tag, 0, len(values))
	for key, value := range values {
		tags = append(tags, Tag{key, value})
	}
	slices.SortFunc(tags, func(a, b Tag) int { return cmp.Compare(a.Key, b.Key) })
	return tags
}
