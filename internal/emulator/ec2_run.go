package emulator

import "fmt"

const (
	defaultType = "m1.small" // what AWS starts when no type is named
	maxLaunch   = 1000       // instances a call
)

func (w *world) runInstances(c call) (any, error) {
	if token := c.text("ClientToken"); token != "" {
		if earlier, ok := w.launches[token]; ok {
			return earlier, nil
		}
	}
	wanted, count, err := w.launchRequest(c.query)
	if err != nil {
		return nil, err
	}
	now := c.reading.now
	w.forget(now)
	response := &runInstancesResponse{reservation{ID: fmt.Sprintf("r-%017x", w.created+1), OwnerID: AccountID}}
	for n := range count {
		started := wanted
		started.id = w.freshID()
		started.reservation = response.ID
		started.life = []transition{{now, pending}, {now.Add(w.startDelay), running}}
		w.addInstance(&started)
		item := started.item(pending, now)
		item.LaunchIndex = n
		response.Instances.Items = append(response.Instances.Items, item)
	}
	if token := c.text("ClientToken"); token != "" {
		w.launches[token] = response
	}
	return response, nil
}

// launchRequest reads what to start and how many.
func (w *world) launchRequest(q query) (instance, int, error) {
	count, err := launchCount(q)
	if err != nil {
		return instance{}, 0, err
	}
	wanted := instance{
		image:             q.text("ImageId"),
		kind:              q.text("InstanceType"),
		keyName:           q.text("KeyName"),
		startDelay:        w.startDelay,
		registrationDelay: w.registrationDelay,
	}
	if wanted.image == "" {
		return instance{}, 0, errMissingParameter("ImageId")
	}
	if wanted.kind == "" {
		wanted.kind = defaultType
	}
	if wanted.zone, err = w.launchZone(q); err != nil {
		return instance{}, 0, err
	}
	for _, specification := range q.elements("TagSpecification") {
		if specification.text("ResourceType") == "instance" {
			wanted.tags = withTags(wanted.tags, specification.tags("Tag"))
		}
	}
	return wanted, count, validEC2Tags(nil, wanted.tags)
}

func launchCount(q query) (int, error) {
	least, err := q.number("MinCount", 0)
	if err != nil {
		return 0, err
	}
	most, err := q.number("MaxCount", 0)
	if err != nil {
		return 0, err
	}
	switch {
	case !q.has("MinCount"):
		return 0, errMissingParameter("MinCount")
	case !q.has("MaxCount"):
		return 0, errMissingParameter("MaxCount")
	case least < 1 || most < least:
		return 0, errInvalidParameter("Value ( %d ) for parameter minCount is invalid: it must be at least 1 and at most maxCount ( %d )", least, most)
	case most > maxLaunch:
		return 0, refusal("InstanceLimitExceeded", "Your quota allows for 0 more running instance(s). You requested at least %d", least)
	}
	return most, nil
}

// launchZone returns where to start: in the named subnet's zone, the named zone,
// or the region's first.
func (w *world) launchZone(q query) (string, error) {
	if subnet := q.text("SubnetId"); subnet != "" {
		zone, ok := w.zoneOf(subnet)
		if !ok {
			return "", refusal("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", subnet)
		}
		return zone, nil
	}
	zone := q.text("Placement.AvailabilityZone")
	if zone == "" {
		return w.region + zoneLetters[:1], nil
	}
	if !w.hasZone(zone) {
		return "", errInvalidParameter("Invalid availability zone: [%s]", zone)
	}
	return zone, nil
}

// freshID returns a pseudo-random instance id that is not in use.
func (w *world) freshID() string {
	for {
		id := fmt.Sprintf("i-0%016x", w.random.Uint64())
		if _, taken := w.instances[id]; !taken {
			return id
		}
	}
}
