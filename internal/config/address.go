package config

import (
	"errors"
	"net"
	"net/netip"
	"regexp"
	"strconv"
)

// hostForm is the syntax of a host name. Listening shows whether the host exists.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// CheckAddress validates a listen address, host:port. The host may be empty and the
// port 0.
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
