package lsapi

import (
	"net/netip"
	"strconv"
	"strings"
)

// ParseMember parses the id of a member of a pool of a kind as callers write it: as
// MemberID.String returns it, or for a target group without a port, which is 0 then and
// stands for the group's own. The error is a CodeInvalid whose message says which part of
// the text is wrong, and does not repeat it.
func ParseMember(kind Kind, text string) (MemberID, error) {
	host, port, hasPort := cutPort(text)
	var id MemberID
	switch {
	case text == "":
		return MemberID{}, Errorf(CodeInvalid, "the id of a member is empty")
	case host == "":
		return MemberID{}, Errorf(CodeInvalid, "the part before the port is missing: the id of an instance or an IP address")
	case strings.HasPrefix(host, "i-"):
		if !ValidInstanceID(host) {
			return MemberID{}, Errorf(CodeInvalid, "the instance is not i- and 8 or 17 lower-case hexadecimal digits, such as i-5203422c")
		}
		id.Instance = host
	default:
		address, err := parseAddress(host)
		if err != nil {
			return MemberID{}, err
		}
		id.Address = address
	}
	if kind == KindELB && id.Address.IsValid() {
		return MemberID{}, Errorf(CodeInvalid, "the members of Classic load balancers are instances, not IP addresses")
	}
	if kind == KindELB && hasPort {
		return MemberID{}, Errorf(CodeInvalid, "the members of Classic load balancers have no port")
	}
	if hasPort {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 || port[0] == '0' {
			return MemberID{}, Errorf(CodeInvalid, "the port is not a number from 1 to 65535")
		}
		id.Port = uint16(number)
	}
	return id, nil
}

// cutPort cuts the port off the id of a member. The colons of an IPv6 address belong to the
// host, with or without its brackets.
func cutPort(text string) (host, port string, hasPort bool) {
	if end := strings.LastIndexByte(text, ']'); end > 0 {
		port, hasPort = strings.CutPrefix(text[end+1:], ":")
		if hasPort || port == "" {
			return text[:end+1], port, hasPort
		}
		return text, "", false
	}
	if strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "i-") {
		return text, "", false
	}
	return strings.Cut(text, ":")
}

// parseAddress parses an IPv4 address, or an IPv6 address in brackets, in the one form that
// AWS returns.
func parseAddress(host string) (netip.Addr, error) {
	inner, bracketed := host, strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if bracketed {
		inner = host[1 : len(host)-1]
	}
	address, err := netip.ParseAddr(inner)
	switch {
	case err != nil:
		return netip.Addr{}, Errorf(CodeInvalid, "it begins with neither the id of an instance, such as i-5203422c, nor an IP address")
	case address.Is6() != bracketed:
		return netip.Addr{}, Errorf(CodeInvalid, "an IPv6 address is written in brackets, and no other is, such as [2001:db8::7]:8080")
	case address.Zone() != "" || address.Is4In6() || address.String() != inner:
		return netip.Addr{}, Errorf(CodeInvalid, "the IP address is not in its shortest form, such as 10.0.1.7 or 2001:db8::7")
	}
	return address, nil
}
