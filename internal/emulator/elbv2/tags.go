package elbv2

import (
	"fmt"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// maxTaggedARNs is the limit of resources in DescribeTags.
const maxTaggedARNs = 20

// tagged is a collection of resources with tags.
type tagged interface {
	owns(arn string) bool
	checkLive(arn string) error
	checkShown(arn string, r account.ReadTime) error
}

func (c *collection[T]) checkLive(arn string) error {
	_, err := c.find(arn)
	return err
}

func (c *collection[T]) checkShown(arn string, r account.ReadTime) error {
	_, err := c.read(arn, r)
	return err
}

// ownerOf returns the collection of a resource, which may not exist.
func (s *Service) ownerOf(arn string) (tagged, error) {
	for _, c := range []tagged{s.loadBalancers, s.targetGroups, s.listeners, s.rules} {
		if c.owns(arn) {
			return c, nil
		}
	}
	return nil, wire.ValidationFailed("'%s' is not a valid ARN of a load balancer, target group, listener or rule", arn)
}

func (s *Service) addTags(c wire.Call) (any, error) {
	added := c.Tags("Tags.member")
	if len(added) == 0 {
		var v wire.Validation
		v.Missing("tags")
		return nil, v.Err()
	}
	return s.changeTags(c, func(tags []account.Tag) ([]account.Tag, error) {
		return account.MergeTags(tags, added), validateTags(tags, added)
	})
}

func (s *Service) removeTags(c wire.Call) (any, error) {
	keys := c.List("TagKeys.member")
	if len(keys) == 0 {
		var v wire.Validation
		v.Missing("tagKeys")
		return nil, v.Err()
	}
	return s.changeTags(c, func(tags []account.Tag) ([]account.Tag, error) { return account.RemoveTags(tags, keys), nil })
}

// changeTags changes the tags of all resources of a call or of none.
func (s *Service) changeTags(c wire.Call, change func([]account.Tag) ([]account.Tag, error)) (any, error) {
	arns, err := taggedARNs(c.Query)
	if err != nil {
		return nil, err
	}
	changed := map[string][]account.Tag{}
	for _, arn := range arns {
		owner, err := s.ownerOf(arn)
		if err == nil {
			err = owner.checkLive(arn)
		}
		if err == nil {
			changed[arn], err = change(s.tagsOf(arn))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, arn := range arns {
		s.setTags(arn, changed[arn], c.Time.Now)
	}
	return struct{}{}, nil
}

func (s *Service) describeTags(c wire.Call) (any, error) {
	arns, err := taggedARNs(c.Query)
	if err != nil {
		return nil, err
	}
	result := describeTagsResult{}
	for _, arn := range arns {
		owner, err := s.ownerOf(arn)
		if err == nil {
			err = owner.checkShown(arn, c.Time)
		}
		if err != nil {
			return nil, err
		}
		d := tagDescription{ResourceARN: arn}
		if tags, err := s.tags.read(arn, c.Time); err == nil {
			d.Tags.Members = *tags.state
		}
		result.TagDescriptions.Members = append(result.TagDescriptions.Members, d)
	}
	return result, nil
}

// taggedARNs returns the resources of a call about tags.
func taggedARNs(q wire.Query) ([]string, error) {
	arns := wire.Unique(q.List("ResourceArns.member"))
	var v wire.Validation
	if len(arns) == 0 {
		v.Missing("resourceArns")
	}
	if len(arns) > maxTaggedARNs {
		v.Fail(fmt.Sprintf("[%s]", strings.Join(arns, ", ")), "resourceArns",
			fmt.Sprintf("Member must have length less than or equal to %d", maxTaggedARNs))
	}
	return arns, v.Err()
}

// setTags sets the tags of a resource.
func (s *Service) setTags(arn string, tags []account.Tag, now time.Time) { s.tags.set(arn, &tags, now) }

// tagsOf returns the actual tags of a resource.
func (s *Service) tagsOf(arn string) []account.Tag {
	if tags, ok := s.tags.live(arn); ok {
		return *tags
	}
	return nil
}

// newTags returns the tags of a new resource, sorted.
func newTags(q wire.Query) ([]account.Tag, error) {
	tags := q.Tags("Tags.member")
	if err := validateTags(nil, tags); err != nil {
		return nil, err
	}
	return account.MergeTags(nil, tags), nil
}

// validateTags checks tags to add to present ones.
func validateTags(present, added []account.Tag) error {
	keys := map[string]struct{}{}
	for _, t := range added {
		if !t.Valid() {
			return wire.ValidationFailed("A tag's key must have 1 to 128 characters and its value at most 256")
		}
		if _, repeated := keys[t.Key]; repeated {
			return wire.BadRequest("DuplicateTagKeys", "A tag key was specified more than once: %s", t.Key)
		}
		keys[t.Key] = struct{}{}
	}
	if len(account.MergeTags(present, added)) > account.MaxTags {
		return wire.BadRequest("TooManyTags", "A resource can have at most %d tags", account.MaxTags)
	}
	return nil
}
