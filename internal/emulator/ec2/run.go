package ec2

import (
	"cmp"
	"fmt"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

const (
	defaultType = "m1.small" // AWS's default instance type
	maxLaunch   = 1000       // instances per call
)

func (s *Service) runInstances(c wire.Call) (any, error) {
	token := c.Text("ClientToken")
	if earlier, ok := s.launches[token]; ok {
		return earlier, nil
	}
	template, count, err := s.launchRequest(c.Query)
	if err != nil {
		return nil, err
	}
	now := c.Time.Now
	s.prune(now)
	template.reservation = reservationID(s.created + 1)
	response := &runInstancesResponse{reservation{ID: template.reservation, OwnerID: account.ID}}
	for n := range count {
		started := template
		started.ID = s.newID()
		started.Life = []Transition{{now, Pending}, {now.Add(s.options.StartDelay), Running}}
		s.Add(&started)
		item := started.item(Pending, now)
		item.LaunchIndex = n
		response.Instances.Items = append(response.Instances.Items, item)
	}
	if token != "" {
		s.launches[token] = response
	}
	return response, nil
}

// launchRequest returns the parameters of RunInstances: a template and the number of
// instances.
func (s *Service) launchRequest(q wire.Query) (template Instance, count int, err error) {
	if count, err = launchCount(q); err != nil {
		return template, 0, err
	}
	template = Instance{
		Image:   q.Text("ImageId"),
		Type:    cmp.Or(q.Text("InstanceType"), defaultType),
		keyName: q.Text("KeyName"),
	}
	if template.Image == "" {
		return template, 0, wire.MissingParameter("ImageId")
	}
	if template.Zone, err = s.launchZone(q); err != nil {
		return template, 0, err
	}
	for _, specification := range q.Elements("TagSpecification") {
		if specification.Text("ResourceType") == "instance" {
			template.Tags = account.MergeTags(template.Tags, specification.Tags("Tag"))
		}
	}
	return template, count, validateTags(nil, template.Tags)
}

func launchCount(q wire.Query) (int, error) {
	least, err := q.Number("MinCount", 0)
	if err != nil {
		return 0, err
	}
	most, err := q.Number("MaxCount", 0)
	if err != nil {
		return 0, err
	}
	switch {
	case !q.Has("MinCount"):
		return 0, wire.MissingParameter("MinCount")
	case !q.Has("MaxCount"):
		return 0, wire.MissingParameter("MaxCount")
	case least < 1 || most < least:
		return 0, wire.InvalidParameter("Value ( %d ) for parameter minCount is invalid: it must be at least 1 and at most maxCount ( %d )", least, most)
	case most > maxLaunch:
		return 0, wire.BadRequest("InstanceLimitExceeded", "Your quota allows for 0 more running instance(s). You requested at least %d", least)
	}
	return most, nil
}

// launchZone returns the zone of the subnet in the request, the zone in the request, or
// the region's first zone.
func (s *Service) launchZone(q wire.Query) (string, error) {
	if subnet := q.Text("SubnetId"); subnet != "" {
		zone, ok := s.account.ZoneOf(subnet)
		if !ok {
			return "", wire.BadRequest("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", subnet)
		}
		return zone, nil
	}
	zone := cmp.Or(q.Text("Placement.AvailabilityZone"), s.account.Region+account.ZoneLetters[:1])
	if !s.account.HasZone(zone) {
		return "", wire.InvalidParameter("Invalid availability zone: [%s]", zone)
	}
	return zone, nil
}

// newID returns an unused pseudo-random instance id.
func (s *Service) newID() string {
	for {
		id := fmt.Sprintf("i-0%016x", s.account.Random())
		if _, used := s.instances[id]; !used {
			return id
		}
	}
}
