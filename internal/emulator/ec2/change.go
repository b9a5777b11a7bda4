package ec2

import (
	"slices"
	"strings"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// stateChange describes an action that moves instances into another state.
type stateChange struct {
	participle string  // for the error message
	from       []State // the states that it changes
	through    State   // the state that EC2 answers
	into       State
	unchanged  []State // the states in which it succeeds without effect
}

func (s *Service) startInstances(c wire.Call) (any, error) {
	return s.changeStates(c, stateChange{
		participle: "started",
		from:       []State{Stopped},
		through:    Pending,
		into:       Running,
		unchanged:  []State{Pending, Running},
	})
}

func (s *Service) stopInstances(c wire.Call) (any, error) {
	return s.changeStates(c, stateChange{
		participle: "stopped",
		from:       []State{Pending, Running},
		through:    Stopping,
		into:       Stopped,
		unchanged:  []State{Stopping, Stopped},
	})
}

func (s *Service) terminateInstances(c wire.Call) (any, error) {
	return s.changeStates(c, stateChange{
		participle: "terminated",
		from:       []State{Pending, Running, Stopping, Stopped},
		through:    ShuttingDown,
		into:       Terminated,
		unchanged:  []State{ShuttingDown, Terminated},
	})
}

// changeStates changes all named instances or none.
func (s *Service) changeStates(c wire.Call, change stateChange) (any, error) {
	ids := c.List("InstanceId")
	if len(ids) == 0 {
		return nil, wire.MissingParameter("InstanceId")
	}
	now := c.Time.Now
	instances, err := s.find(ids, account.At(now))
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		before, _ := i.StateAt(now)
		if !slices.Contains(change.from, before.State) && !slices.Contains(change.unchanged, before.State) {
			return nil, wire.BadRequest("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.ID, change.participle)
		}
	}
	response := &stateChangesResponse{}
	for _, i := range instances {
		before, _ := i.StateAt(now)
		current := before.State
		if slices.Contains(change.from, before.State) {
			current = change.through
			i.pass(now, change.through, change.into)
		}
		response.Instances.Items = append(response.Instances.Items, stateChangeItem{i.ID, current.item(), before.State.item()})
	}
	return response, nil
}

func (s *Service) createTags(c wire.Call) (any, error) {
	ids, tags := c.List("ResourceId"), c.Tags("Tag")
	if len(ids) == 0 {
		return nil, wire.MissingParameter("ResourceId")
	}
	if len(tags) == 0 {
		return nil, wire.MissingParameter("Tag")
	}
	for _, id := range ids {
		if !strings.HasPrefix(id, "i-") {
			return nil, wire.BadRequest("InvalidID", "The ID '%s' is not valid", id)
		}
	}
	instances, err := s.find(ids, account.At(c.Time.Now))
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if err := validateTags(i.Tags, tags); err != nil {
			return nil, err
		}
	}
	for _, i := range instances {
		i.Tags = account.MergeTags(i.Tags, tags)
	}
	return &returnResponse{true}, nil
}

// validateTags checks tags to add to present ones.
func validateTags(present, added []account.Tag) error {
	for _, t := range added {
		if !t.Valid() {
			return wire.InvalidParameter("A tag's key must have 1 to 128 characters and its value at most 256")
		}
	}
	if len(account.MergeTags(present, added)) > account.MaxTags {
		return wire.BadRequest("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}
