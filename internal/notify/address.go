package notify

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// AddressError reports that an address is refused: a receiver's name must not lead to the
// services of this machine, or to the credentials of its role.
type AddressError struct {
	Address netip.Addr
	Why     string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("the address %s is %s, which is refused unless --notify-allow has it", e.Address, e.Why)
}

// internal are networks of the machine and of its cloud beside those that netip knows.
var internal = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "of this machine"},
	{netip.MustParsePrefix("255.255.255.255/32"), "a broadcast address"},
	{netip.MustParsePrefix("fd00:ec2::/32"), "of AWS's metadata"},
	{netip.MustParsePrefix("fec0::/10"), "link-local"},
}

// translated embed an IPv4 address in their last or other bytes.
var translated = []struct {
	prefix netip.Prefix
	at     int // of the first byte
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // RFC 8215; usually a prefix of 96 bits in it
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

// checkAddress returns an *AddressError for an address that is refused. Private ones are
// not: receivers inside the network are usual.
func checkAddress(address netip.Addr, allowed []netip.Prefix) error {
	address = address.Unmap().WithZone("")
	if slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(address) }) {
		return nil
	}
	refused := func(why string) error { return &AddressError{address, why} }
	switch {
	case address.IsLoopback():
		return refused("loopback")
	case address.IsUnspecified():
		return refused("unspecified")
	case address.IsMulticast():
		return refused("multicast")
	case address.IsLinkLocalUnicast(): // with the metadata at 169.254.169.254
		return refused("link-local")
	}
	for _, n := range internal {
		if n.prefix.Contains(address) {
			return refused(n.why)
		}
	}
	for _, n := range translated {
		if n.prefix.Contains(address) {
			bytes := address.As16()
			return checkAddress(netip.AddrFrom4([4]byte(bytes[n.at:n.at+4])), allowed)
		}
	}
	return nil
}

// control is net.Dialer.Control: it checks the address of each connection, after the name
// was resolved, so that no name can lead to another address than the one that was checked.
func control(allowed []netip.Prefix) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("not an IP address: %w", err)
		}
		return checkAddress(target.Addr(), allowed)
	}
}
