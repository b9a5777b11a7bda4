package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// ReadOptions are the optional parts of a read.
type ReadOptions struct {
	// Fresh makes the service read from AWS after the request, instead of from memory.
	Fresh bool
}

// PoolsQuery selects pools. A zero field selects all.
type PoolsQuery struct {
	Kind lsapi.Kind
	// Name is a pattern: * matches any characters, ? one.
	Name string
	// Tags must all be present, each "key=value", or "key" for any value.
	Tags []string
	// Health selects pools that have a member in this state.
	Health lsapi.HealthState
	// Instance selects pools that have the instance with this id as a member.
	Instance string
	// VPC selects pools of the VPC with this id.
	VPC string
	// Limit bounds a page; 0 is the service's default.
	Limit int
	// Cursor is the NextCursor of the previous page, which must have the same other
	// fields.
	Cursor string
}

func (q PoolsQuery) values() url.Values {
	v := make(url.Values)
	set(v, "kind", string(q.Kind))
	set(v, "name", q.Name)
	set(v, "health", string(q.Health))
	set(v, "instance", q.Instance)
	set(v, "vpc", q.VPC)
	set(v, "cursor", q.Cursor)
	for _, tag := range q.Tags {
		v.Add("tag", tag)
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// set sets a parameter unless it is empty.
func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// Pools returns a page of pools, sorted by kind and name.
func (c *Client) Pools(ctx context.Context, q PoolsQuery) (page apiv1.PoolsPage, err error) {
	return page, c.get(ctx, &page, func() bool { return page.Pools != nil }, q.values(), "v1", "pools")
}

// PoolPages yields all pages, from the cursor on. The first error ends it.
func (c *Client) PoolPages(ctx context.Context, q PoolsQuery) iter.Seq2[apiv1.PoolsPage, error] {
	return func(yield func(apiv1.PoolsPage, error) bool) {
		for {
			page, err := c.Pools(ctx, q)
			if !yield(page, err) || err != nil || page.NextCursor == "" {
				return
			}
			q.Cursor = page.NextCursor
		}
	}
}

// AllPools yields the pools of all pages, from the cursor on. The first error ends it. Pools
// that AWS does not list now may be missing: PoolPages returns whether that is so.
func (c *Client) AllPools(ctx context.Context, q PoolsQuery) iter.Seq2[apiv1.Pool, error] {
	return func(yield func(apiv1.Pool, error) bool) {
		for page, err := range c.PoolPages(ctx, q) {
			if err != nil {
				yield(apiv1.Pool{}, err)
				return
			}
			for i := range page.Pools {
				if !yield(page.Pools[i], nil) {
					return
				}
			}
		}
	}
}

// Pool returns a pool with its settings and members. CodeNotFound: it does not exist.
func (c *Client) Pool(ctx context.Context, pool lsapi.PoolID, o ReadOptions) (detail apiv1.PoolDetail, err error) {
	matches := func() bool { return detail.Pool.Pool == pool.Path() && detail.Members != nil }
	return detail, c.read(ctx, o, &detail, matches, poolPath(pool))
}

// Guard returns what the guards of a pool allow now. CodeNotFound: the pool does not exist.
func (c *Client) Guard(ctx context.Context, pool lsapi.PoolID, o ReadOptions) (g apiv1.PoolGuard, err error) {
	matches := func() bool { return g.Pool == pool.Path() && g.Rules != nil && g.Members != nil }
	return g, c.read(ctx, o, &g, matches, poolPath(pool, "guard"))
}

// Members returns the set of a pool's members, and its version. CodeNotFound: the pool
// does not exist.
func (c *Client) Members(ctx context.Context, pool lsapi.PoolID, o ReadOptions) (members []lsapi.MemberID, version string, err error) {
	var found apiv1.Membership
	if err := c.read(ctx, o, &found, func() bool { return found.Pool == pool.Path() && found.Members != nil }, poolPath(pool, "members")); err != nil {
		return nil, "", err
	}
	members = make([]lsapi.MemberID, len(found.Members))
	for i, text := range found.Members {
		member, ok := lsapi.ParseMemberID(text)
		if !ok {
			return nil, "", c.notLsapi("a member that is none: %q", text)
		}
		members[i] = member
	}
	return members, lsapi.MembershipVersion(members), nil
}

// MembersAt returns the membership of a pool at a time, from the record. CodeNotFound: the
// record begins later. CodeInvalid: the time is in the future.
func (c *Client) MembersAt(ctx context.Context, pool lsapi.PoolID, at time.Time) (found apiv1.MembershipAt, err error) {
	query := url.Values{"at": {apiv1.Time{Time: at}.String()}}
	matches := func() bool { return found.Pool == pool.Path() && found.Members != nil }
	return found, c.get(ctx, &found, matches, query, poolPath(pool, "members")...)
}

// Member returns the state of a member. CodeNotFound: it is neither attached nor draining,
// or the pool does not exist.
func (c *Client) Member(ctx context.Context, pool lsapi.PoolID, id lsapi.MemberID) (member apiv1.Member, err error) {
	return member, c.get(ctx, &member, func() bool { return isMember(member.Member, id) }, nil, memberPath(pool, id)...)
}

// Instance returns an instance and the pools that it serves in. CodeNotFound: EC2 has no
// such instance, and no pool has it as a member.
func (c *Client) Instance(ctx context.Context, id string, o ReadOptions) (instance apiv1.Instance, err error) {
	matches := func() bool { return instance.InstanceID == id && instance.Memberships != nil }
	return instance, c.read(ctx, o, &instance, matches, []string{"v1", "instances", id})
}

// read reads a value of the /v1 API that the service has in memory.
func (c *Client) read(ctx context.Context, o ReadOptions, into any, matches func() bool, path []string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	q := request{method: http.MethodGet, path: path, matches: matches}
	if o.Fresh {
		q.header = http.Header{"Cache-Control": {"no-cache"}}
	}
	_, err := c.do(ctx, q, into)
	return err
}

// poolPath returns the path of a pool, or of something below it.
func poolPath(pool lsapi.PoolID, below ...string) []string {
	return append([]string{"v1", "pools", string(pool.Kind), pool.Name}, below...)
}

func memberPath(pool lsapi.PoolID, member lsapi.MemberID) []string {
	return poolPath(pool, "members", member.String())
}
