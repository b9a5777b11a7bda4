package elbv2

import (
	"encoding/base64"
	"iter"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// maxPage is the largest page of a describe, and the default.
const maxPage = 400

// collection holds the resources of one type by ARN. Their states are immutable: a change
// sets another state.
type collection[T any] struct {
	account   *account.Account
	prefix    string // of the ARNs
	noun      string
	notFound  string // the error code
	resources map[string]*account.Versions[*T]
	arns      []string // sorted: the order of listings
	deleted   int      // of resources
}

// shown is a resource as a call shows it, at a moment that is the call's or earlier.
type shown[T any] struct {
	state *T
	at    time.Time
}

func newCollection[T any](a *account.Account, resourceType, noun, notFound string) *collection[T] {
	prefix := arnPrefix(a)
	if resourceType != "" {
		prefix += resourceType + "/"
	}
	return &collection[T]{account: a, prefix: prefix, noun: noun, notFound: notFound, resources: map[string]*account.Versions[*T]{}}
}

// live returns a resource in its actual state, and false when it does not exist.
func (c *collection[T]) live(arn string) (*T, bool) {
	found, ok := c.resources[arn]
	if !ok {
		return nil, false
	}
	return found.Latest()
}

// find returns a resource to change. Changes apply to the actual state.
func (c *collection[T]) find(arn string) (*T, error) {
	if err := c.validate(arn); err != nil {
		return nil, err
	}
	found, ok := c.live(arn)
	if !ok {
		return nil, c.errNotFound()
	}
	return found, nil
}

// read returns a resource as a call shows it.
func (c *collection[T]) read(arn string, r account.ReadTime) (shown[T], error) {
	if err := c.validate(arn); err != nil {
		return shown[T]{}, err
	}
	if found, ok := c.resources[arn]; ok {
		if state, at, ok := found.Read(r); ok {
			return shown[T]{state, at}, nil
		}
	}
	return shown[T]{}, c.errNotFound()
}

// all iterates over the actual resources.
func (c *collection[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, arn := range c.arns {
			if state, ok := c.resources[arn].Latest(); ok && !yield(state) {
				return
			}
		}
	}
}

// set adds a resource or changes it.
func (c *collection[T]) set(arn string, state *T, now time.Time) {
	if c.resources[arn] == nil {
		if c.deleted > 0 {
			c.prune(now)
		}
		c.resources[arn] = &account.Versions[*T]{}
		at, _ := slices.BinarySearch(c.arns, arn)
		c.arns = slices.Insert(c.arns, at, arn)
	}
	c.resources[arn].Set(state, now, c.account.Lag)
}

// remove deletes a resource that may not exist.
func (c *collection[T]) remove(arn string, now time.Time) {
	if _, ok := c.live(arn); ok {
		c.resources[arn].Delete(now, c.account.Lag)
		c.deleted++
	}
}

// count returns the number of actual resources.
func (c *collection[T]) count() int { return len(c.arns) - c.deleted }

// prune removes the deleted resources that no read can show.
func (c *collection[T]) prune(now time.Time) {
	c.arns = slices.DeleteFunc(c.arns, func(arn string) bool {
		gone := c.resources[arn].Gone(now, c.account.Lag)
		if gone {
			delete(c.resources, arn)
			c.deleted--
		}
		return gone
	})
}

// readAll is read for several resources: one that does not exist fails the call.
func (c *collection[T]) readAll(arns []string, r account.ReadTime) ([]shown[T], error) {
	found := make([]shown[T], 0, len(arns))
	for _, arn := range wire.Unique(arns) {
		one, err := c.read(arn, r)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

// listing returns the resources as a call shows them, those that keep selects, in the order
// of listings.
func (c *collection[T]) listing(r account.ReadTime, keep func(shown[T]) bool) (found []shown[T]) {
	for _, arn := range c.arns {
		if one, err := c.read(arn, r); err == nil && keep(one) {
			found = append(found, one)
		}
	}
	return found
}

// named returns the ARNs that end in /NAME/ID after one of the types that ARNs of the
// collection have, deleted resources included.
func (c *collection[T]) named(name string, types ...string) (arns []string) {
	for _, t := range types {
		prefix := c.prefix + t + name + "/"
		at, _ := slices.BinarySearch(c.arns, prefix)
		for ; at < len(c.arns) && strings.HasPrefix(c.arns[at], prefix); at++ {
			arns = append(arns, c.arns[at])
		}
	}
	return arns
}

// everything selects all resources.
func everything[T any](shown[T]) bool { return true }

const markerPrefix = "after:"

// page returns a page of resources that are sorted by a unique key, and the marker of the
// next page. A marker contains the last key of the page before. So it stays valid when
// resources come and go between two pages.
func page[T any](q wire.Query, all []shown[T], key func(*T) string) (found []shown[T], next string, err error) {
	size, err := pageSize(q)
	if err != nil {
		return nil, "", err
	}
	if marker := q.Text("Marker"); marker != "" {
		decoded, err := base64.URLEncoding.DecodeString(marker)
		last, ok := strings.CutPrefix(string(decoded), markerPrefix)
		if err != nil || !ok {
			return nil, "", wire.ValidationFailed("Invalid marker: %s", marker)
		}
		all = slices.DeleteFunc(all, func(one shown[T]) bool { return key(one.state) <= last })
	}
	if len(all) <= size {
		return all, "", nil
	}
	last := key(all[size-1].state)
	return all[:size], base64.URLEncoding.EncodeToString([]byte(markerPrefix + last)), nil
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

// owns reports whether an ARN is one of this type of resource.
func (c *collection[T]) owns(arn string) bool { return strings.HasPrefix(arn, c.prefix) }

// validate checks the form of an ARN.
func (c *collection[T]) validate(arn string) error {
	if !c.owns(arn) {
		return wire.ValidationFailed("'%s' is not a valid %s ARN", arn, c.noun)
	}
	return nil
}

func (c *collection[T]) errNotFound() error {
	return wire.BadRequest(c.notFound, "One or more %ss not found", c.noun)
}
