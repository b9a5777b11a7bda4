package app

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/background"
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

func twoKinds(t *testing.T, log *strings.Builder) (k kinds, classic, groups *oneKind) {
	work := background.New()
	t.Cleanup(func() { _ = work.Close(context.Background()) })
	classic, groups = &oneKind{pool: lsapi.ELB("web")}, &oneKind{pool: lsapi.TG("web")}
	denied := newDenied(work, slog.New(slog.NewTextHandler(log, nil)))
	return kinds{map[lsapi.Kind]adapter{lsapi.KindELB: classic, lsapi.KindTG: groups}, denied}, classic, groups
}

func TestKindThatAWSDeniesLeavesTheOtherListed(t *testing.T) {
	denied := &lsapi.Error{Code: lsapi.CodeForbidden, Reason: "AccessDenied"}
	expired := &lsapi.Error{Code: lsapi.CodeForbidden, Reason: "ExpiredToken"}
	down := lsapi.Errorf(lsapi.CodeUpstream, "down")
	for _, test := range []struct {
		classic, groups error
		want            string
		warnings        int
	}{
		{nil, nil, "elb/web tg/web", 0},
		{nil, denied, "elb/web", 1},
		{denied, nil, "tg/web", 1},
		{denied, denied, "!forbidden", 2},
		{nil, expired, "elb/web !forbidden", 0},
		{nil, down, "elb/web !upstream", 0},
		{down, nil, "!upstream", 0},
	} {
		var log strings.Builder
		k, classic, groups := twoKinds(t, &log)
		if test.classic != nil {
			classic.err = test.classic
		}
		if test.groups != nil {
			groups.err = test.groups
		}
		for range 2 {
			var got []string
			for page, err := range k.Pools(t.Context()) {
				if err != nil {
					got = append(got, "!"+string(lsapi.ErrorCode(err)))
				}
				for _, pool := range page {
					got = append(got, pool.ID.Path())
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("with %v and %v it lists %q, want %q", test.classic, test.groups, got, test.want)
			}
		}
		if n := strings.Count(log.String(), "AWS denies the listing of"); n != test.warnings {
			t.Errorf("with %v and %v there are %d warnings: %s", test.classic, test.groups, n, log.String())
		}
	}
}

func TestListingOfKindsStopsWithItsCaller(t *testing.T) {
	k, _, groups := twoKinds(t, new(strings.Builder))
	groups.err = lsapi.Errorf(lsapi.CodeInternal, "listed in vain")
	for page, err := range k.Pools(t.Context()) {
		if err != nil || len(page) != 1 {
			t.Errorf("a page is %v, %v", page, err)
		}
		break
	}
}

func TestTagsOfBothKindsComeFromTheirAdapters(t *testing.T) {
	k, classic, groups := twoKinds(t, new(strings.Builder))
	tags, err := k.Tags(t.Context(), []lsapi.PoolID{classic.pool, groups.pool})
	if err != nil || tags[classic.pool]["kind"] != "elb" || tags[groups.pool]["kind"] != "tg" {
		t.Errorf("the tags are %v, %v", tags, err)
	}
}
