package lsapi_test

import (
	"net/netip"
	"strings"
	"testing"

	"lsapi"
)

func TestParseMemberAcceptsMembersOfTheKind(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.0.1.7"), netip.MustParseAddr("2001:db8::7")
	for _, test := range []struct {
		kind lsapi.Kind
		text string
		want lsapi.MemberID
	}{
		{"elb", "i-5203422c", lsapi.MemberID{Instance: "i-5203422c"}},
		{"elb", "i-0592fe5ccee879f04", lsapi.MemberID{Instance: "i-0592fe5ccee879f04"}},
		{"tg", "i-5203422c", lsapi.MemberID{Instance: "i-5203422c"}},
		{"tg", "i-5203422c:1", lsapi.MemberID{Instance: "i-5203422c", Port: 1}},
		{"tg", "i-0592fe5ccee879f04:65535", lsapi.MemberID{Instance: "i-0592fe5ccee879f04", Port: 65535}},
		{"tg", "10.0.1.7:8080", lsapi.MemberID{Address: v4, Port: 8080}},
		{"tg", "10.0.1.7", lsapi.MemberID{Address: v4}},
		{"tg", "[2001:db8::7]:8080", lsapi.MemberID{Address: v6, Port: 8080}},
		{"tg", "[2001:db8::7]", lsapi.MemberID{Address: v6}},
	} {
		if got, err := lsapi.ParseMember(test.kind, test.text); err != nil || got != test.want {
			t.Errorf("%s of %s is %+v, %v", test.text, test.kind, got, err)
		}
	}
}

func TestParseMemberNamesTheWrongPart(t *testing.T) {
	for _, test := range []struct{ kind, text, want string }{
		{"tg", "", "is empty"},
		{"tg", "i-x:0", "the instance is not"},
		{"tg", "i-5203422c:0", "the port is not"},
		{"tg", "i-5203422c:65536", "the port is not"},
		{"tg", "i-5203422c:", "the port is not"},
		{"tg", "i-5203422c:080", "the port is not"},
		{"tg", "i-5203422c:+80", "the port is not"},
		{"tg", "i-5203422c:80:80", "the port is not"},
		{"tg", "i-5203422C", "the instance is not"},
		{"tg", ":80", "the part before the port is missing"},
		{"tg", "::1", "in brackets"},
		{"tg", "2001:db8::7:8080", "in brackets"},
		{"tg", "[10.0.1.7]:80", "in brackets"},
		{"tg", "[2001:DB8::7]:80", "shortest form"},
		{"tg", "[fe80::1%eth0]:80", "shortest form"},
		{"tg", "[::ffff:10.0.1.7]:80", "shortest form"},
		{"tg", "[2001:db8::7]80", "begins with neither"},
		{"tg", "[2001:db8::7", "begins with neither"},
		{"tg", "10.0.1:80", "begins with neither"},
		{"tg", "10.0.1.256:80", "begins with neither"},
		{"tg", "web-1", "begins with neither"},
		{"tg", "]:80", "begins with neither"},
		{"tg", "[]:80", "begins with neither"},
		{"elb", "i-5203422c:80", "have no port"},
		{"elb", "i-x:80", "the instance is not"},
		{"elb", "10.0.1.7", "not IP addresses"},
		{"elb", "10.0.1.7:80", "not IP addresses"},
	} {
		_, err := lsapi.ParseMember(lsapi.Kind(test.kind), test.text)
		if lsapi.ErrorCode(err) != lsapi.CodeInvalid || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q of %s is %v, want %q", test.text, test.kind, err, test.want)
		}
	}
}
