package classic_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"lsapi"
	"lsapi/internal/cloud/awstest"
	"lsapi/internal/cloud/classic"
)

// twoPages responds with a listing of two load balancers, one a page. The second has the
// given members.
func twoPages(second *atomic.Pointer[[]lsapi.MemberID]) awstest.Reply {
	var requests atomic.Int32
	return func(w http.ResponseWriter, form url.Values) {
		name, members, next := "elb-1", []lsapi.MemberID{lsapi.InstanceMember("i-1")}, "<NextMarker>elb-1</NextMarker>"
		if form.Get("Marker") == "elb-1" {
			name, members, next = "elb-2", *second.Load(), ""
		}
		var ids string
		for _, id := range members {
			ids += "<member><InstanceId>" + id.Instance + "</InstanceId></member>"
		}
		_, _ = fmt.Fprintf(w, "<DescribeLoadBalancersResponse xmlns=%q><DescribeLoadBalancersResult><LoadBalancerDescriptions><member><LoadBalancerName>%s</LoadBalancerName><Instances>%s</Instances></member></LoadBalancerDescriptions>%s</DescribeLoadBalancersResult><ResponseMetadata><RequestId>r-%d</RequestId></ResponseMetadata></DescribeLoadBalancersResponse>",
			awstest.ELBNamespace, name, ids, next, requests.Add(1))
	}
}

func list(t *testing.T, client *classic.Client) string {
	t.Helper()
	var all []lsapi.Pool
	for page, err := range client.Pools(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, lb := range page {
			lb.Description = nil // has its own test
			all = append(all, lb)
		}
	}
	return fmt.Sprint(all)
}

func TestListingShowsChangesInCachedAndNewPages(t *testing.T) {
	var second atomic.Pointer[[]lsapi.MemberID]
	client, aws := start(t, twoPages(&second))
	for _, members := range [][]lsapi.MemberID{{lsapi.InstanceMember("i-2")}, {lsapi.InstanceMember("i-2")}, {lsapi.InstanceMember("i-2"), lsapi.InstanceMember("i-3")}, {}, {}, {lsapi.InstanceMember("i-2")}} {
		second.Store(&members)
		if got, want := list(t, client), fmt.Sprint([]lsapi.Pool{{ID: lsapi.ELB("elb-1"), Members: []lsapi.MemberID{lsapi.InstanceMember("i-1")}}, {ID: lsapi.ELB("elb-2"), Members: members}}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if calls := len(aws.Attempts()); calls != 12 {
		t.Errorf("six listings of two pages took %d calls", calls)
	}
	if size := aws.Attempts()[0].Get("PageSize"); size != "400" {
		t.Errorf("pages of %s were requested", size)
	}
}

// A page that is the same slice as before was not decoded again.
func TestCachedPageIsNotDecodedAgain(t *testing.T) {
	var second atomic.Pointer[[]lsapi.MemberID]
	client, _ := start(t, twoPages(&second))
	first := func() (pages []*lsapi.Pool) {
		for page, err := range client.Pools(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, &page[0])
		}
		return pages
	}
	second.Store(&[]lsapi.MemberID{lsapi.InstanceMember("i-2")})
	before := first()
	second.Store(&[]lsapi.MemberID{lsapi.InstanceMember("i-3")})
	if after := first(); after[0] != before[0] || after[1] == before[1] {
		t.Errorf("the pages were %p, and are %p: want only the second to be decoded", before, after)
	}
}

func TestFailingListingReturnsItsPagesAndThenTheError(t *testing.T) {
	var second atomic.Pointer[[]lsapi.MemberID]
	second.Store(&[]lsapi.MemberID{})
	whole := twoPages(&second)
	client, _ := start(t, func(w http.ResponseWriter, form url.Values) {
		if form.Get("Marker") != "" {
			awstest.Error(400, "AccessDenied", "no")(w, form)
			return
		}
		whole(w, form)
	})
	var pools []lsapi.PoolID
	var failure error
	for page, err := range client.Pools(t.Context()) {
		failure = err
		for _, lb := range page {
			pools = append(pools, lb.ID)
		}
	}
	if !slices.Equal(pools, []lsapi.PoolID{lsapi.ELB("elb-1")}) || lsapi.ErrorCode(failure) != lsapi.CodeForbidden {
		t.Errorf("got %v, %v", pools, failure)
	}
}

func TestListingStopsWithItsLoop(t *testing.T) {
	var second atomic.Pointer[[]lsapi.MemberID]
	second.Store(&[]lsapi.MemberID{})
	client, aws := start(t, twoPages(&second))
	for range client.Pools(t.Context()) {
		break
	}
	if calls := len(aws.Attempts()); calls != 1 {
		t.Errorf("one page took %d calls", calls)
	}
}
