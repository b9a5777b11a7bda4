package emulator

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The page sizes of EC2's describes.
const (
	leastResults = 5
	mostResults  = 1000
)

// sight is an instance as one reading sees it.
type sight struct {
	*instance
	state  instanceState
	moment time.Time
}

func (w *world) describeInstances(c call) (any, error) {
	found, next, err := w.search(c, nil)
	if err != nil {
		return nil, err
	}
	return &describeInstancesResponse{reservations(found), next}, nil
}

// describeInstanceStatus tells of running instances unless it is asked for all.
func (w *world) describeInstanceStatus(c call) (any, error) {
	all, err := c.boolean("IncludeAllInstances", false)
	if err != nil {
		return nil, err
	}
	found, next, err := w.search(c, func(s sight) bool { return all || s.state == running })
	if err != nil {
		return nil, err
	}
	response := &describeInstanceStatusResponse{NextToken: next}
	for _, s := range found {
		response.Statuses.Items = append(response.Statuses.Items, s.status())
	}
	return response, nil
}

func (s sight) status() statusItem {
	sum := statusSum{Status: "not-applicable"}
	if s.state == running {
		sum = statusSum{"ok", set[statusFinding]{[]statusFinding{{"reachability", "passed"}}}}
	}
	return statusItem{s.id, s.zone, s.state.item(), sum, sum}
}

// search answers what both describes ask: by ids, or by filters and page by page.
// keep, unless nil, leaves out instances from the answer.
func (w *world) search(c call, keep func(sight) bool) (found []sight, next string, err error) {
	filters, err := newFilters(c.query)
	if err != nil {
		return nil, "", err
	}
	size, from, err := page(c.query)
	if err != nil {
		return nil, "", err
	}
	ids := c.list("InstanceId")
	candidates := w.after(from)
	if len(ids) > 0 {
		if c.has("MaxResults") {
			return nil, "", refusal("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
		}
		if candidates, err = w.byID(ids, c.reading); err != nil {
			return nil, "", err
		}
	} else if wanted := onlyIDs(filters); wanted != nil {
		candidates = w.known(wanted, from)
	}
	found, next = gather(candidates, c.reading, size, func(s sight) bool {
		return (keep == nil || keep(s)) && s.passes(filters)
	})
	return found, next, nil
}

func (s sight) passes(filters []filter) bool {
	for _, f := range filters {
		if !f.matches(s.instance, s.state, s.moment) {
			return false
		}
	}
	return true
}

// gather returns the candidates that are wanted, at most size of them unless it
// is 0, and where the next page begins, empty at the end.
func gather(candidates []*instance, r reading, size int, wanted func(sight) bool) (found []sight, next string) {
	for _, i := range candidates {
		moment := r.of(&i.seen)
		current, ok := i.stateAt(moment)
		s := sight{i, current.state, moment}
		if !ok || !wanted(s) {
			continue
		}
		if size > 0 && len(found) == size {
			return found, nextToken(found[size-1].number)
		}
		found = append(found, s)
	}
	return found, ""
}

// byID returns instances by id. One that is malformed or unknown fails the call.
func (w *world) byID(ids []string, r reading) ([]*instance, error) {
	found := make([]*instance, 0, len(ids))
	var missing []string
	for _, id := range unique(ids) {
		if !instanceIDForm.MatchString(id) {
			return nil, errMalformedInstanceID(id)
		}
		i, ok := w.instances[id]
		if ok {
			_, ok = i.stateAt(r.of(&i.seen))
		}
		if !ok {
			missing = append(missing, id)
			continue
		}
		found = append(found, i)
	}
	if len(missing) > 0 {
		return nil, errInstancesNotFound(missing)
	}
	return found, nil
}

// onlyIDs returns the ids that alone can pass the filters, nil for any.
func onlyIDs(filters []filter) []string {
	for _, f := range filters {
		if f.ids != nil {
			return f.ids
		}
	}
	return nil
}

// known returns those of the instances that exist and come after a number, in
// the order in which they are listed.
func (w *world) known(ids []string, after uint64) []*instance {
	var found []*instance
	for _, id := range ids {
		if i, ok := w.instances[id]; ok && i.number > after {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *instance) int { return cmp.Compare(a.number, b.number) })
	return slices.Compact(found)
}

// after returns the instances that come after a number.
func (w *world) after(number uint64) []*instance {
	at, _ := slices.BinarySearchFunc(w.order, number+1, func(i *instance, n uint64) int { return cmp.Compare(i.number, n) })
	return w.order[at:]
}

// page reads the page size, 0 for no limit, and the number of the instance
// after which the page begins.
func page(q query) (size int, after uint64, err error) {
	if size, err = q.number("MaxResults", 0); err != nil {
		return 0, 0, err
	}
	if q.has("MaxResults") && (size < leastResults || size > mostResults) {
		return 0, 0, errInvalidParameter("Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", size, leastResults, mostResults)
	}
	if token := q.text("NextToken"); token != "" {
		after, err = tokenNumber(token)
	}
	return size, after, err
}

const tokenPrefix = "instance:"

// nextToken is where a page ended: the number of its last instance. So it stays
// true when instances come and go between two pages.
func nextToken(last uint64) string {
	return base64.URLEncoding.EncodeToString([]byte(tokenPrefix + strconv.FormatUint(last, 10)))
}

func tokenNumber(token string) (uint64, error) {
	decoded, err := base64.URLEncoding.DecodeString(token)
	text, ok := strings.CutPrefix(string(decoded), tokenPrefix)
	number, numberErr := strconv.ParseUint(text, 10, 62)
	if err != nil || !ok || numberErr != nil {
		return 0, errInvalidParameter("Value ( %s ) for parameter NextToken is invalid. The token is invalid.", token)
	}
	return number, nil
}

// reservations groups instances that were started together and stand together.
func reservations(found []sight) set[reservation] {
	var groups []reservation
	for _, s := range found {
		if len(groups) == 0 || groups[len(groups)-1].ID != s.reservation {
			groups = append(groups, reservation{ID: s.reservation, OwnerID: AccountID})
		}
		last := &groups[len(groups)-1].Instances
		item := s.item(s.state, s.moment)
		item.LaunchIndex = len(last.Items)
		last.Items = append(last.Items, item)
	}
	return set[reservation]{groups}
}
