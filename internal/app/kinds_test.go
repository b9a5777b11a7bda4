package app

import (
	"context"
	"iter"
	"testing"

	"lsapi"
)

// oneKind is an adapter with one pool, or an error.
type oneKind struct {
	adapter
	pool lsapi.PoolID
	err  error
}

func (o *oneKind) Pools(context.Context) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		if o.err != nil {
			yield(nil, o.err)
			return
		}
		_ = yield([]lsapi.Pool{{ID: o.pool}}, nil)
	}
}

func (o *oneKind) Tags(_ context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
	all := make(map[lsapi.PoolID]map[string]string)
	for _, pool := range pools {
		all[pool] = map[string]string{"kind": string(o.pool.Kind)}
	}
	return all, o.err
}

func twoKinds() (k kinds, classic, groups *oneKind) {
	classic, groups = &oneKind{pool: lsapi.ELB("web")}, &oneKind{pool: lsapi.TG("web")}
	return kinds{lsapi.KindELB: classic, lsapi.KindTG: groups}, classic, groups
}

func TestEachKindIsListedByItsAdapter(t *testing.T) {
	k, classic, groups := twoKinds()
	classic.err = lsapi.Errorf(lsapi.CodeThrottled, "")
	for page, err := range k.Pools(t.Context(), lsapi.KindTG) {
		if err != nil || len(page) != 1 || page[0].ID != groups.pool {
			t.Errorf("target groups are %v, %v", page, err)
		}
	}
	for _, err := range k.Pools(t.Context(), lsapi.KindELB) {
		if err == nil {
			t.Error("the listing of load balancers has not failed")
		}
	}
}

func TestTagsOfBothKindsComeFromTheirAdapters(t *testing.T) {
	k, classic, groups := twoKinds()
	tags, err := k.Tags(t.Context(), []lsapi.PoolID{classic.pool, groups.pool})
	if err != nil || tags[classic.pool]["kind"] != "elb" || tags[groups.pool]["kind"] != "tg" {
		t.Errorf("the tags are %v, %v", tags, err)
	}
}
