package lsapi

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of pool.
type Kind string

// The kinds.
const (
	KindELB Kind = "elb" // Classic load balancers
	KindTG  Kind = "tg"  // target groups of ALBs and NLBs
)

func (k Kind) noun() string {
	if k == KindTG {
		return "target group"
	}
	return "load balancer"
}

// IsKnown reports whether k is one of the kinds.
func (k Kind) IsKnown() bool { return k == KindELB || k == KindTG }

// DefaultScope is the name of the first AWS account and region that lsapi manages.
const DefaultScope = "default"

// PoolID identifies a pool. PoolIDs are comparable; the zero PoolID identifies none.
type PoolID struct {
	// Scope is the name of an AWS account and region.
	Scope string
	Kind  Kind
	// Name is AWS's.
	Name string
}

// ELB returns the id of a Classic load balancer of the default scope.
func ELB(name string) PoolID { return PoolID{Scope: DefaultScope, Kind: KindELB, Name: name} }

// TG returns the id of a target group of the default scope.
func TG(name string) PoolID { return PoolID{Scope: DefaultScope, Kind: KindTG, Name: name} }

// ParsePoolID parses what String returns. A name is accepted if it can name a pool of its
// kind.
func ParsePoolID(text string) (PoolID, bool) {
	scope, path, _ := strings.Cut(text, "/")
	id, ok := ParsePoolPath(path)
	id.Scope = scope
	if !ok || scope == "" {
		return PoolID{}, false
	}
	return id, true
}

// ParsePoolPath parses what Path returns, as the id of a pool of the default scope.
func ParsePoolPath(path string) (PoolID, bool) {
	kind, name, _ := strings.Cut(path, "/")
	if !Kind(kind).IsKnown() || !ValidPoolName(name) {
		return PoolID{}, false
	}
	return PoolID{Scope: DefaultScope, Kind: Kind(kind), Name: name}, true
}

// String returns the id as the record and logs have it, such as
// "default/elb/web". Empty for the zero PoolID.
func (p PoolID) String() string {
	if p.IsZero() {
		return ""
	}
	return p.Scope + "/" + p.Path()
}

// IsZero reports whether p identifies no pool.
func (p PoolID) IsZero() bool { return p == PoolID{} }

// Path returns the id within its scope, as the HTTP API has it, such as "elb/web".
func (p PoolID) Path() string { return string(p.Kind) + "/" + p.Name }

// Title returns the pool in words, such as "load balancer web".
func (p PoolID) Title() string { return p.Kind.noun() + " " + p.Name }

// Named returns a pool that may not exist in words, such as "load balancer named web".
func (p PoolID) Named() string { return p.Kind.noun() + " named " + p.Name }

// Compare orders ids by scope, kind and name.
func (p PoolID) Compare(q PoolID) int {
	return cmp.Or(cmp.Compare(p.Scope, q.Scope), cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Name, q.Name))
}

// MarshalText returns String.
func (p PoolID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText parses what String returns, without a look at the name: names that AWS
// has returned are valid. CodeInvalid for another text.
func (p *PoolID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = PoolID{}
		return nil
	}
	parts := strings.SplitN(string(text), "/", 3)
	if len(parts) != 3 || slices.Contains(parts, "") {
		return &Error{Code: CodeInvalid, Message: strconv.Quote(string(text)) + " is not the id of a pool, such as default/elb/web"}
	}
	*p = PoolID{Scope: parts[0], Kind: Kind(parts[1]), Name: parts[2]}
	return nil
}

// MemberID identifies a member of a pool: an instance or an IP address. A member of a
// target group has a port. MemberIDs are comparable; the zero MemberID identifies none.
type MemberID struct {
	// Instance is an EC2 instance id, or what AWS has in its place for another type of
	// target: see IsInstance. Empty for an IP address.
	Instance string
	// Address is the IP address. The zero Addr for an instance.
	Address netip.Addr
	// Port is 0 for a member of a Classic load balancer.
	Port uint16
}

// InstanceMember returns the id of an instance that is a member without a port of its own.
func InstanceMember(instanceID string) MemberID { return MemberID{Instance: instanceID} }

// ParseMemberID parses what String returns.
func ParseMemberID(text string) (MemberID, bool) {
	var id MemberID
	if id.UnmarshalText([]byte(text)) != nil || id.String() != text {
		return MemberID{}, false
	}
	if id.Address.IsValid() { // in the one form that AWS returns
		return id, id.Port > 0 && !id.Address.Is4In6() && id.Address.Zone() == ""
	}
	return id, ValidInstanceID(id.Instance)
}

// String returns the id as the record and the HTTP API have it: "i-5203422c",
// "i-5203422c:8080", "10.0.1.7:8080" or "[2001:db8::7]:8080". An address without a port is
// not the id of a member, but ParseMember accepts it.
func (m MemberID) String() string {
	switch {
	case m.Address.IsValid():
		return strings.TrimSuffix(netip.AddrPortFrom(m.Address, m.Port).String(), ":0")
	case m.Port > 0:
		return m.Instance + ":" + strconv.Itoa(int(m.Port))
	}
	return m.Instance
}

// Title returns the member in words, such as "instance i-5203422c".
func (m MemberID) Title() string {
	if !m.Address.IsValid() && m.Port == 0 {
		return "instance " + m.Instance
	}
	return "member " + m.String()
}

// IsInstance reports whether m is an EC2 instance.
func (m MemberID) IsInstance() bool { return strings.HasPrefix(m.Instance, "i-") }

// IsZero reports whether m identifies no member.
func (m MemberID) IsZero() bool { return m == MemberID{} }

// Compare orders ids: instances by id, then addresses; of the same, by port.
func (m MemberID) Compare(n MemberID) int {
	return cmp.Or(m.Address.Compare(n.Address), cmp.Compare(m.Instance, n.Instance), cmp.Compare(m.Port, n.Port))
}

// MarshalText returns String.
func (m MemberID) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText parses what String returns, without a look at the form of an instance id:
// ids that AWS has returned are valid. CodeInvalid for another text.
func (m *MemberID) UnmarshalText(text []byte) error {
	instance, port, hasPort := strings.Cut(string(text), ":")
	if !strings.HasPrefix(instance, "i-") {
		if address, err := netip.ParseAddrPort(string(text)); err == nil {
			*m = MemberID{Address: address.Addr(), Port: address.Port()}
			return nil
		}
	}
	id := MemberID{Instance: instance}
	if hasPort {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 || instance == "" {
			return &Error{Code: CodeInvalid, Message: strconv.Quote(string(text)) + " is not the id of a member, such as i-5203422c or i-5203422c:8080"}
		}
		id.Port = uint16(number)
	}
	*m = id
	return nil
}
