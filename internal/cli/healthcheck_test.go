package cli

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestDialAddressOfListener(t *testing.T) {
	for listen, want := range map[string]string{
		":8000":          "127.0.0.1:8000",
		"0.0.0.0:8000":   "127.0.0.1:8000",
		"[::]:8000":      "[::1]:8000",
		"127.0.0.1:8000": "127.0.0.1:8000",
		"192.0.2.7:8000": "192.0.2.7:8000",
		"localhost:8000": "localhost:8000",
	} {
		if got := dialAddress(listen); got != want {
			t.Errorf("%s is reached at %s, want %s", listen, got, want)
		}
	}
}

func TestExposureWarningForReachableEmulator(t *testing.T) {
	for address, warned := range map[string]bool{
		"127.0.0.1:4566": false,
		"[::1]:4566":     false,
		"0.0.0.0:4566":   true,
		"[::]:4566":      true,
		"192.0.2.7:4566": true,
	} {
		bound := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
		if got := strings.Contains(exposureWarning(bound), address); got != warned {
			t.Errorf("%s: warned is %v, want %v", address, got, warned)
		}
	}
}
