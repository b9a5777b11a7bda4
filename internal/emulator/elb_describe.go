package emulator

import (
	"encoding/base64"
	"slices"
)

// maxPage is the largest page of DescribeLoadBalancers, and the default.
const maxPage = 400

func (w *world) describeLoadBalancers(c call) (any, error) {
	size, err := pageSize(c.query)
	if err != nil {
		return nil, err
	}
	if names := c.list("LoadBalancerNames.member"); len(names) > 0 {
		found, err := w.described(names, c.reading)
		return &describeLoadBalancersResult{LoadBalancerDescriptions: list[*revision]{found}}, err
	}
	from, err := w.position(c.text("Marker"))
	if err != nil {
		return nil, err
	}
	return w.listing(from, size, c.reading), nil
}

// described returns load balancers by name. One that does not exist fails the
// call; AWS gives no partial answer.
func (w *world) described(names []string, r reading) ([]*revision, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	found := make([]*revision, 0, len(names))
	for _, name := range names {
		if err := validName(name); err != nil {
			return nil, err
		}
		revision := w.seen(name, r)
		if revision == nil {
			return nil, errDescribedNotFound(name)
		}
		found = append(found, revision)
	}
	return found, nil
}

// listing returns a page of all load balancers, beginning at an index of names.
func (w *world) listing(from, size int, r reading) *describeLoadBalancersResult {
	result := &describeLoadBalancersResult{}
	page := &result.LoadBalancerDescriptions
	for _, name := range w.names[from:] {
		revision := w.seen(name, r)
		if revision == nil {
			continue
		}
		if len(page.Members) == size {
			result.NextMarker = marker(page.Members[size-1].name)
			break
		}
		page.Members = append(page.Members, revision)
	}
	return result
}

func pageSize(q query) (int, error) {
	size, err := q.number("PageSize", maxPage)
	if err != nil {
		return 0, err
	}
	var v validation
	v.between(size, 1, maxPage, "pageSize")
	return size, v.err()
}

// marker is where a page ended: the last name on it. So it stays true when load
// balancers come and go between two pages.
func marker(name string) string { return base64.URLEncoding.EncodeToString([]byte("after:" + name)) }

// position returns the index of the first name of the page that a marker asks
// for.
func (w *world) position(marker string) (int, error) {
	if marker == "" {
		return 0, nil
	}
	decoded, err := base64.URLEncoding.DecodeString(marker)
	if err != nil || len(decoded) < len("after:") || string(decoded[:len("after:")]) != "after:" {
		return 0, errValidation("Invalid marker: %s", marker)
	}
	at, found := slices.BinarySearch(w.names, string(decoded[len("after:"):]))
	if found {
		at++
	}
	return at, nil
}

func (w *world) describeAccountLimits(c call) (any, error) {
	if _, err := pageSize(c.query); err != nil {
		return nil, err
	}
	return &describeAccountLimitsResult{Limits: list[limit]{[]limit{
		{"classic-load-balancers", w.maxLoadBalancers},
		{"classic-listeners", maxListeners},
		{"classic-registered-instances", maxMembers},
	}}}, nil
}
