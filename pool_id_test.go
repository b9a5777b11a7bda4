package lsapi_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	"lsapi"
)

func TestPoolIDIsParsedFromItsText(t *testing.T) {
	id := lsapi.PoolID{Scope: "default", Kind: lsapi.KindELB, Name: "web"}
	if lsapi.ELB("web") != id || id.String() != "default/elb/web" || id.Path() != "elb/web" {
		t.Errorf("got %v, %v", id, id.Path())
	}
	if parsed, ok := lsapi.ParsePoolID("default/elb/web"); !ok || parsed != id {
		t.Errorf("got %+v, %v", parsed, ok)
	}
	if parsed, ok := lsapi.ParsePoolPath("elb/web"); !ok || parsed != id {
		t.Errorf("got %+v, %v", parsed, ok)
	}
	for _, text := range []string{"", "web", "elb", "elb/", "nlb/web", "elb/-web", "elb/web/", "/elb/web", "default/web", "default/elb/web/x", "default/elb/"} {
		if parsed, ok := lsapi.ParsePoolID(text); ok {
			t.Errorf("%q is parsed as %+v", text, parsed)
		}
		if parsed, ok := lsapi.ParsePoolPath(text); ok {
			t.Errorf("%q is parsed as %+v", text, parsed)
		}
	}
	if text := (lsapi.PoolID{}).String(); text != "" {
		t.Errorf("no pool is %q", text)
	}
}

func TestMemberIDIsParsedFromItsText(t *testing.T) {
	for text, id := range map[string]lsapi.MemberID{
		"i-5203422c":               lsapi.InstanceMember("i-5203422c"),
		"i-0592fe5ccee879f04:8080": {Instance: "i-0592fe5ccee879f04", Port: 8080},
		"10.0.1.7:80":              {Address: netip.MustParseAddr("10.0.1.7"), Port: 80},
		"[2001:db8::7]:65535":      {Address: netip.MustParseAddr("2001:db8::7"), Port: 65535},
	} {
		if parsed, ok := lsapi.ParseMemberID(text); !ok || parsed != id || id.String() != text {
			t.Errorf("%s is parsed as %+v, %v, and is written %s", text, parsed, ok, id)
		}
	}
	for _, text := range []string{
		"", "i-1", "i-5203422c:", "i-5203422c:0", "i-5203422c:080", "i-5203422c:65536", "i-5203422c:http",
		"10.0.1.7", "10.0.1.7:0", "[::ffff:10.0.1.7]:80", "[fe80::1%eth0]:80", "2001:db8::7:80", "web:80", ":80", "i-5203422c:80:80",
	} {
		if parsed, ok := lsapi.ParseMemberID(text); ok {
			t.Errorf("%q is parsed as %+v", text, parsed)
		}
	}
}

func TestIDsAreTextInJSON(t *testing.T) {
	type ids struct {
		Pool   lsapi.PoolID
		Member lsapi.MemberID
		Health map[lsapi.MemberID]int
		None   lsapi.MemberID `json:",omitzero"`
	}
	const text = `{"Pool":"default/elb/web","Member":"i-5203422c:80","Health":{"i-5203422c":1}}`
	var read ids
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	if read.Pool != lsapi.ELB("web") || read.Member.Port != 80 || read.Health[lsapi.InstanceMember("i-5203422c")] != 1 {
		t.Errorf("got %+v", read)
	}
	if written, err := json.Marshal(read); err != nil || string(written) != text {
		t.Errorf("got %s, %v", written, err)
	}
	for _, bad := range []string{`{"Pool":"web"}`, `{"Pool":"//"}`, `{"Pool":"default//web"}`, `{"Pool":"elb/web"}`, `{"Member":"i-5203422c:x"}`, `{"Member":"i-5203422c:0"}`, `{"Member":":80"}`} {
		if err := json.Unmarshal([]byte(bad), &read); lsapi.ErrorCode(err) != lsapi.CodeInvalid {
			t.Errorf("%s is read with %v", bad, err)
		}
	}
}

func TestIDsAreSorted(t *testing.T) {
	sorted := []lsapi.MemberID{
		{Instance: "i-5203422c"}, {Instance: "i-5203422c", Port: 80}, {Instance: "i-5203422d"},
		{Address: netip.MustParseAddr("10.0.1.7"), Port: 80}, {Address: netip.MustParseAddr("10.0.1.10"), Port: 80},
	}
	mixed := slices.Clone(sorted)
	slices.Reverse(mixed)
	slices.SortFunc(mixed, lsapi.MemberID.Compare)
	if !slices.Equal(mixed, sorted) {
		t.Errorf("got %v", mixed)
	}
	pools := []lsapi.PoolID{{"eu", "tg", "a"}, {"eu", "elb", "b"}, {"de", "elb", "c"}, {"eu", "elb", "a"}}
	slices.SortFunc(pools, lsapi.PoolID.Compare)
	if want := []lsapi.PoolID{{"de", "elb", "c"}, {"eu", "elb", "a"}, {"eu", "elb", "b"}, {"eu", "tg", "a"}}; !slices.Equal(pools, want) {
		t.Errorf("got %v", pools)
	}
}

func TestMemberIsResolvedByTheDescriptionOfItsPool(t *testing.T) {
	instance, address := lsapi.InstanceMember("i-5203422c"), lsapi.MemberID{Address: netip.MustParseAddr("10.0.1.7"), Port: 80}
	onPort := lsapi.MemberID{Instance: instance.Instance, Port: 9090}
	of := func(kind lsapi.TargetType) *lsapi.Description {
		return &lsapi.Description{TargetType: kind, Port: 8080}
	}
	for _, test := range []struct {
		pool   lsapi.PoolID
		d      *lsapi.Description
		member lsapi.MemberID
		want   string
	}{
		{lsapi.ELB("web"), nil, instance, "i-5203422c"},
		{lsapi.ELB("web"), of(lsapi.TargetInstance), onPort, "invalid"},
		{lsapi.ELB("web"), nil, address, "invalid"},
		{lsapi.TG("web"), of(lsapi.TargetInstance), instance, "i-5203422c:8080"},
		{lsapi.TG("web"), of(lsapi.TargetInstance), onPort, "i-5203422c:9090"},
		{lsapi.TG("web"), of(lsapi.TargetInstance), address, "invalid"},
		{lsapi.TG("web"), of(lsapi.TargetIP), address, "10.0.1.7:80"},
		{lsapi.TG("web"), of(lsapi.TargetIP), instance, "invalid"},
		{lsapi.TG("web"), of(lsapi.TargetLambda), instance, "pool.not_changeable"},
		{lsapi.TG("web"), of(lsapi.TargetALB), onPort, "pool.not_changeable"},
		{lsapi.TG("web"), nil, onPort, "unavailable"},
	} {
		member, err := lsapi.ResolveMember(test.pool, test.d, test.member)
		got := member.String()
		if err != nil {
			got = string(lsapi.ErrorCode(err))
		}
		if got != test.want {
			t.Errorf("%v in %v (%+v) is %s, want %s", test.member, test.pool, test.d, got, test.want)
		}
	}
}
