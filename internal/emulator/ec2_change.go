package emulator

import (
	"slices"
	"strings"
)

// command sends instances from one state to another.
type command struct {
	participle string          // for the error message
	from       []instanceState // where it has something to do
	through    instanceState   // what EC2 answers, even if it lasts no time
	into       instanceState
	after      []instanceState // where it has nothing to do, and succeeds
}

func (w *world) startInstances(c call) (any, error) {
	return w.carryOut(c, command{
		participle: "started",
		from:       []instanceState{stopped},
		through:    pending,
		into:       running,
		after:      []instanceState{pending, running},
	})
}

func (w *world) stopInstances(c call) (any, error) {
	return w.carryOut(c, command{
		participle: "stopped",
		from:       []instanceState{pending, running},
		through:    stopping,
		into:       stopped,
		after:      []instanceState{stopping, stopped},
	})
}

func (w *world) terminateInstances(c call) (any, error) {
	return w.carryOut(c, command{
		participle: "terminated",
		from:       []instanceState{pending, running, stopping, stopped},
		through:    shuttingDown,
		into:       terminated,
		after:      []instanceState{shuttingDown, terminated},
	})
}

// carryOut sends the named instances on their way, all of them or none.
func (w *world) carryOut(c call, order command) (any, error) {
	ids := c.list("InstanceId")
	if len(ids) == 0 {
		return nil, errMissingParameter("InstanceId")
	}
	now := c.reading.now
	instances, err := w.byID(ids, reading{now, now})
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		before, _ := i.stateAt(now)
		if !slices.Contains(order.from, before.state) && !slices.Contains(order.after, before.state) {
			return nil, refusal("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.id, order.participle)
		}
	}
	response := &stateChangesResponse{}
	for _, i := range instances {
		before, _ := i.stateAt(now)
		current := before.state
		if slices.Contains(order.from, before.state) {
			current = order.through
			i.pass(now, order.through, i.startDelay, order.into)
		}
		response.Instances.Items = append(response.Instances.Items, stateChange{i.id, current.item(), before.state.item()})
	}
	return response, nil
}

func (w *world) createTags(c call) (any, error) {
	ids, tags := c.list("ResourceId"), c.tags("Tag")
	if len(ids) == 0 {
		return nil, errMissingParameter("ResourceId")
	}
	if len(tags) == 0 {
		return nil, errMissingParameter("Tag")
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, "i-") {
			return nil, refusal("InvalidID", "The ID '%s' is not valid", id)
		}
	}
	instances, err := w.byID(ids, reading{c.reading.now, c.reading.now})
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if err := validEC2Tags(i.tags, tags); err != nil {
			return nil, err
		}
	}
	for _, i := range instances {
		i.tags = withTags(i.tags, tags)
	}
	return &returnResponse{true}, nil
}

// validEC2Tags refuses tags that an instance cannot take.
func validEC2Tags(present, added []tag) error {
	for _, t := range added {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 {
			return errInvalidParameter("A tag's key must have 1 to 128 characters and its value at most 256")
		}
	}
	if len(withTags(present, added)) > maxTags {
		return refusal("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}
