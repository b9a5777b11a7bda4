package lsapi_test

import (
	"testing"

	"lsapi"
)

func TestMembershipVersionDependsOnTheSetOnly(t *testing.T) {
	a, b, c := lsapi.InstanceMember("i-0aaa0000000000001"), lsapi.InstanceMember("i-0aaa0000000000002"), lsapi.MemberID{Instance: "i-0aaa0000000000001", Port: 80}
	version := lsapi.MembershipVersion
	if got := version([]lsapi.MemberID{b, a}); got != version([]lsapi.MemberID{a, b}) || len(got) != 32 {
		t.Errorf("the same members in another order have another version, %s", got)
	}
	seen := make(map[string]bool)
	for _, set := range [][]lsapi.MemberID{nil, {a}, {b}, {c}, {a, b}, {a, c}, {a, b, c}} {
		if seen[version(set)] {
			t.Errorf("%v has the version of another set", set)
		}
		seen[version(set)] = true
	}
	if got := version([]lsapi.MemberID{a}); got != "8c4ddca360b5884942c3aa648b43c79c" {
		t.Errorf("the version of %v is %s: other releases and replicas have another", a, got)
	}
}
