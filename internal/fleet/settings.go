package fleet

import (
	"context"
	"maps"

	"lsapi"
)

// attributesFrom returns the fetch function of the cache of attributes.
func attributesFrom(s Settings) fetch[lsapi.Attributes] {
	return func(ctx context.Context, names []string) (map[string]lsapi.Attributes, error) {
		all := make(map[string]lsapi.Attributes, len(names))
		for _, name := range names {
			attributes, err := s.Attributes(ctx, name)
			if err != nil {
				return nil, err
			}
			all[name] = attributes
		}
		return all, nil
	}
}

// tagsFrom returns the fetch function of the cache of tags. If one of the load balancers
// has been deleted, AWS returns the tags of none; they are then read in halves.
func tagsFrom(s Settings) fetch[map[string]string] {
	var read fetch[map[string]string]
	read = func(ctx context.Context, names []string) (map[string]map[string]string, error) {
		tags, err := s.Tags(ctx, names)
		if lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			return tags, err
		}
		all := make(map[string]map[string]string, len(names))
		if len(names) == 1 {
			return all, nil
		}
		for _, half := range [][]string{names[:len(names)/2], names[len(names)/2:]} {
			tags, err := read(ctx, half)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, tags)
		}
		return all, nil
	}
	return read
}
