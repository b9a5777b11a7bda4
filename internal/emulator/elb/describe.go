package elb

import (
	"encoding/base64"
	"slices"
	"strings"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// maxPage is the largest page of DescribeLoadBalancers, and the default.
const maxPage = 400

func (s *Service) describeLoadBalancers(c wire.Call) (any, error) {
	size, err := pageSize(c.Query)
	if err != nil {
		return nil, err
	}
	if names := c.List("LoadBalancerNames.member"); len(names) > 0 {
		found, err := s.describeNamed(names, c.Time)
		return &describeLoadBalancersResult{LoadBalancerDescriptions: wire.List[*revision]{Members: found}}, err
	}
	from, err := s.position(c.Text("Marker"))
	if err != nil {
		return nil, err
	}
	return s.page(from, size, c.Time), nil
}

// describeNamed returns load balancers by name. An unknown name fails the call.
func (s *Service) describeNamed(names []string, r account.ReadTime) ([]*revision, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	found := make([]*revision, 0, len(names))
	for _, name := range names {
		if err := validateName(name); err != nil {
			return nil, err
		}
		revision, _ := s.read(name, r)
		if revision == nil {
			return nil, errDescribedNotFound(name)
		}
		found = append(found, revision)
	}
	return found, nil
}

// page returns a page of load balancers from an index of names.
func (s *Service) page(from, size int, r account.ReadTime) *describeLoadBalancersResult {
	result := &describeLoadBalancersResult{}
	page := &result.LoadBalancerDescriptions
	for _, name := range s.names[from:] {
		revision, _ := s.read(name, r)
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

func pageSize(q wire.Query) (int, error) {
	size, err := q.Number("PageSize", maxPage)
	if err != nil {
		return 0, err
	}
	var v wire.Validation
	v.Between(size, 1, maxPage, "pageSize")
	return size, v.Err()
}

const markerPrefix = "after:"

// marker contains the last name of the page. So it stays valid when load balancers are
// added or removed between two pages.
func marker(name string) string {
	return base64.URLEncoding.EncodeToString([]byte(markerPrefix + name))
}

// position returns the index of the first name after a marker.
func (s *Service) position(marker string) (int, error) {
	if marker == "" {
		return 0, nil
	}
	decoded, err := base64.URLEncoding.DecodeString(marker)
	last, ok := strings.CutPrefix(string(decoded), markerPrefix)
	if err != nil || !ok {
		return 0, wire.ValidationFailed("Invalid marker: %s", marker)
	}
	at, found := slices.BinarySearch(s.names, last)
	if found {
		at++
	}
	return at, nil
}

func (s *Service) describeAccountLimits(c wire.Call) (any, error) {
	if _, err := pageSize(c.Query); err != nil {
		return nil, err
	}
	return &describeAccountLimitsResult{Limits: wire.List[limit]{Members: []limit{
		{"classic-load-balancers", s.quota},
		{"classic-listeners", maxListeners},
		{"classic-registered-instances", MaxMembers},
	}}}, nil
}
