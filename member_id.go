package lsapi

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
)

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
