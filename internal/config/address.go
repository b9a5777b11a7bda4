package config

import (
	"errors"
	"net"
	"net/netip"
	"regexp"
	"strconv"
)

// hostForm is what a host name is made of. Whether it exists is found out when
// it is listened on.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// CheckAddress says what is wrong with an address to listen on. It has the form
// host:port; the host may be missing and the port may be 0.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("not an address of the form host:port, such as :8000, 127.0.0.1:8000 or [::1]:8000")
	}
	if number, err := strconv.Atoi(port); err != nil || number < 0 || number > 65535 {
		return errors.New("the port is not a number from 0 to 65535")
	}
	if host == "" || hostForm.MatchString(host) {
		return nil
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return errors.New("the host is neither an IP address nor a host name")
	}
	return nil
}
