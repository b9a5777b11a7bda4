package fleet

import (
	"context"
	"maps"

	"lsapi"
)

func (f *Fleet) askAttributes(ctx context.Context, names []string) (map[string]lsapi.Attributes, error) {
	all := make(map[string]lsapi.Attributes, len(names))
	for _, name := range names {
		attributes, err := f.o.Settings.Attributes(ctx, name)
		if err != nil {
			return nil, err
		}
		all[name] = attributes
	}
	return all, nil
}

// askTags asks for the tags of several load balancers. If one of them has just been
// deleted, AWS tells of none: it is looked for by halves.
func (f *Fleet) askTags(ctx context.Context, names []string) (map[string]map[string]string, error) {
	tags, err := f.o.Settings.Tags(ctx, names)
	if lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		return tags, err
	}
	if len(names) == 1 {
		return nil, nil
	}
	all, err := f.askTags(ctx, names[:len(names)/2])
	if err != nil {
		return nil, err
	}
	rest, err := f.askTags(ctx, names[len(names)/2:])
	if err != nil {
		return nil, err
	}
	if all == nil {
		return rest, nil
	}
	maps.Copy(all, rest)
	return all, nil
}

// attributesOf returns those of a load balancer, nil when they cannot be read in
// time.
func (f *Fleet) attributesOf(ctx, caller context.Context, name string) *lsapi.Attributes {
	found, err := f.attributes.of(ctx, name)
	f.note(caller, f.troubles.attributes, err)
	if attributes, ok := found[name]; ok {
		return &attributes
	}
	return nil
}

// tagsOf returns those of the load balancers, without those that cannot be read in
// time.
func (f *Fleet) tagsOf(ctx, caller context.Context, names ...string) map[string]map[string]string {
	found, err := f.tags.of(ctx, names...)
	f.note(caller, f.troubles.tags, err)
	return found
}

// factsOf returns what EC2 says of the instances, without those that it does not
// know, or cannot be asked about in time.
func (f *Fleet) factsOf(ctx, caller context.Context, ids ...string) map[string]lsapi.Instance {
	if len(ids) == 0 {
		return nil
	}
	found, err := f.facts.of(ctx, ids...)
	f.note(caller, f.troubles.facts, err)
	return found
}
