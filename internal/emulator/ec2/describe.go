package ec2

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// The page sizes of EC2's describes.
const (
	minResults = 5
	maxResults = 1000
)

// view is an instance as one call shows it.
type view struct {
	*Instance
	state State
	at    time.Time
}

// instanceFilters are the filters of DescribeInstances.
var instanceFilters = filters[view]{
	values: map[string]func(view) []string{
		"availability-zone":   one(func(v view) string { return v.Zone }),
		"image-id":            one(func(v view) string { return v.Image }),
		"instance-id":         one(func(v view) string { return v.ID }),
		"instance-state-code": one(func(v view) string { return strconv.Itoa(int(v.state)) }),
		"instance-state-name": one(func(v view) string { return v.state.String() }),
		"instance-type":       one(func(v view) string { return v.Type }),
		"key-name":            one(func(v view) string { return v.keyName }),
		"launch-time":         one(func(v view) string { return text(wire.Timestamp(v.launchedAt(v.at))) }),
		"private-ip-address":  one(func(v view) string { return v.privateIP() }),
		"reservation-id":      one(func(v view) string { return v.reservation }),
		"subnet-id":           one(func(v view) string { return account.SubnetOf(v.Zone) }),
		"vpc-id":              one(func(view) string { return account.VPCID }),
	},
	tags: func(v view) []account.Tag { return v.Tags },
}

// text returns a time as answers show it.
func text(t wire.Timestamp) string {
	encoded, _ := t.MarshalText() // never fails
	return string(encoded)
}

func (s *Service) describeInstances(c wire.Call) (any, error) {
	found, next, err := s.search(c, nil)
	if err != nil {
		return nil, err
	}
	return &describeInstancesResponse{reservations(found), next}, nil
}

func (s *Service) describeInstanceStatus(c wire.Call) (any, error) {
	all, err := c.Bool("IncludeAllInstances", false)
	if err != nil {
		return nil, err
	}
	found, next, err := s.search(c, func(v view) bool { return all || v.state == Running })
	if err != nil {
		return nil, err
	}
	response := &describeInstanceStatusResponse{NextToken: next}
	for _, v := range found {
		response.Statuses.Items = append(response.Statuses.Items, v.status())
	}
	return response, nil
}

func (v view) status() statusItem {
	summary := statusSummary{Status: "not-applicable"}
	if v.state == Running {
		summary = statusSummary{"ok", wire.Set[statusFinding]{Items: []statusFinding{{"reachability", "passed"}}}}
	}
	return statusItem{v.ID, v.Zone, v.state.item(), summary, summary}
}

// search returns the instances that a describe selects, by ids or by filters and pages,
// and the token of the next page. keep, if not nil, selects further.
func (s *Service) search(c wire.Call, keep func(view) bool) (found []view, next string, err error) {
	filters, err := instanceFilters.read(c.Query)
	if err != nil {
		return nil, "", err
	}
	size, after, err := page(c.Query)
	if err != nil {
		return nil, "", err
	}
	candidates, err := s.candidates(c, filters, after)
	if err != nil {
		return nil, "", err
	}
	for _, i := range candidates {
		at := c.Time.Advance(&i.lastRead)
		current, ok := i.StateAt(at)
		v := view{i, current.State, at}
		if !ok || keep != nil && !keep(v) || !passes(filters, v) {
			continue
		}
		if size > 0 && len(found) == size {
			return found, nextToken(found[size-1].Number), nil
		}
		found = append(found, v)
	}
	return found, "", nil
}

// candidates returns the instances to search, in the order of listings.
func (s *Service) candidates(c wire.Call, filters []filter[view], after uint64) ([]*Instance, error) {
	if ids := c.List("InstanceId"); len(ids) > 0 {
		if c.Has("MaxResults") {
			return nil, wire.BadRequest("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
		}
		return s.find(ids, c.Time)
	}
	for _, f := range filters {
		if f.name == "instance-id" && len(f.patterns) == 0 {
			return s.existing(f.values, after), nil
		}
	}
	return s.after(after), nil
}

// existing returns those of the instances that exist and have a number above after.
func (s *Service) existing(ids []string, after uint64) []*Instance {
	var found []*Instance
	for _, id := range ids {
		if i, ok := s.instances[id]; ok && i.Number > after {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *Instance) int { return cmp.Compare(a.Number, b.Number) })
	return slices.Compact(found)
}

// after returns the instances with a higher number.
func (s *Service) after(number uint64) []*Instance {
	at, _ := slices.BinarySearchFunc(s.order, number+1, func(i *Instance, n uint64) int { return cmp.Compare(i.Number, n) })
	return s.order[at:]
}

// page returns the page size, 0 for no limit, and the number of the last instance of
// the page before.
func page(q wire.Query) (size int, after uint64, err error) {
	if size, err = pageSize(q); err != nil {
		return 0, 0, err
	}
	if token := q.Text("NextToken"); token != "" {
		after, err = tokenNumber(token)
	}
	return size, after, err
}

// pageSize returns the page size, 0 for no limit.
func pageSize(q wire.Query) (int, error) {
	size, err := q.Number("MaxResults", 0)
	if err != nil {
		return 0, err
	}
	if q.Has("MaxResults") && (size < minResults || size > maxResults) {
		return 0, wire.InvalidParameter("Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", size, minResults, maxResults)
	}
	return size, nil
}

const tokenPrefix = "instance:"

// nextToken contains the number of the page's last instance. So it stays valid when
// instances are added or removed between two pages.
func nextToken(last uint64) string {
	return base64.URLEncoding.EncodeToString([]byte(tokenPrefix + strconv.FormatUint(last, 10)))
}

func tokenNumber(token string) (uint64, error) {
	decoded, err := base64.URLEncoding.DecodeString(token)
	text, ok := strings.CutPrefix(string(decoded), tokenPrefix)
	number, numberErr := strconv.ParseUint(text, 10, 62)
	if err != nil || !ok || numberErr != nil {
		return 0, errInvalidToken(token)
	}
	return number, nil
}

func errInvalidToken(token string) error {
	return wire.InvalidParameter("Value ( %s ) for parameter NextToken is invalid. The token is invalid.", token)
}

// reservations groups adjacent instances of the same launch.
func reservations(found []view) wire.Set[reservation] {
	var groups []reservation
	for _, v := range found {
		if len(groups) == 0 || groups[len(groups)-1].ID != v.reservation {
			groups = append(groups, reservation{ID: v.reservation, OwnerID: account.ID})
		}
		last := &groups[len(groups)-1].Instances
		item := v.item(v.state, v.at)
		item.LaunchIndex = len(last.Items)
		last.Items = append(last.Items, item)
	}
	return wire.Set[reservation]{Items: groups}
}
