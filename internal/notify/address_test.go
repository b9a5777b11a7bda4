package notify_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"lsapi/internal/notify"
)

func TestInternalAddressesAreRefused(t *testing.T) {
	none := []netip.Prefix{}
	for address, want := range map[string]bool{ // whether it may be notified
		"127.0.0.1": false, "127.9.9.9": false, "0.0.0.0": false, "0.1.2.3": false, "::": false, "::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::7f00:1": false,
		"2002:7f00:1::": false, "2002:a9fe:a9fe::1": false, "::7f00:1": false,
		"64:ff9b:1::a9fe:a9fe": false, "64:ff9b:1:a:b:c:7f00:1": false, "::ffff:0:127.0.0.1": false,
		"169.254.169.254": false, "169.254.170.2": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false,
		"fd00:ec2::254": false, "fd00:ec2::23": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
		"10.0.0.1": true, "172.16.0.1": true, "192.168.1.1": true, "fd12:3456::1": true, "100.64.0.1": true,
		"8.8.8.8": true, "2001:4860:4860::8888": true, "64:ff9b::808:808": true, "64:ff9b:1::808:808": true,
	} {
		err := notify.CheckAddress(netip.MustParseAddr(address), none)
		if _, refused := errors.AsType[*notify.AddressError](err); refused == want || (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAllowedAddressesAreNotRefused(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("fe80::/10")}
	for address, want := range map[string]bool{
		"127.0.0.1": true, "::ffff:127.0.0.1": true, "127.0.0.2": false, "fe80::1%eth0": true, "::1": false, "64:ff9b::7f00:1": true,
	} {
		if err := notify.CheckAddress(netip.MustParseAddr(address), allowed); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestReceiverOnAForbiddenAddressGetsNoRequest(t *testing.T) {
	receiver := newReceiver(t, nil)
	_, port, _ := net.SplitHostPort(receiver.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "evil.example"} {
		n := start(t, newRecord(), notify.Options{Allow: []netip.Prefix{}, Resolver: resolver(t, nil)})
		if host == "localhost" {
			n = start(t, newRecord(), notify.Options{Allow: []netip.Prefix{}})
		}
		err := n.Test(t.Context(), notify.Receiver{URL: "http://" + host + ":" + port})
		if err == nil || !strings.Contains(err.Error(), "refused unless --notify-allow has it") && !strings.Contains(err.Error(), "no such host") {
			t.Errorf("%s: %v", host, err)
		}
	}
	receiver.want(t, 0)
}

// The address that is checked is the one of the connection: a name that resolves to another
// address the second time gains nothing.
func TestRebindingNameGetsNoRequest(t *testing.T) {
	receiver := newReceiver(t, nil)
	_, port, _ := net.SplitHostPort(receiver.Listener.Addr().String())
	var looked atomic.Int64
	n := start(t, newRecord(), notify.Options{
		Allow: []netip.Prefix{}, Timeout: 500 * time.Millisecond,
		Resolver: resolver(t, func() [4]byte {
			if looked.Add(1) == 1 {
				return [4]byte{192, 0, 2, 1} // a public one, which does not answer
			}
			return [4]byte{127, 0, 0, 1}
		}),
	})
	for i := range 3 {
		err := n.Test(t.Context(), notify.Receiver{URL: "http://evil.example:" + port})
		if err == nil || i > 0 && !strings.Contains(err.Error(), "the address 127.0.0.1 is loopback") {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	receiver.want(t, 0)
}

// resolver returns a resolver for which every name has the address that next returns, or
// 127.0.0.1.
func resolver(t *testing.T, next func() [4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { server.Close(); <-done })
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			size, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:size]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				address := [4]byte{127, 0, 0, 1}
				if next != nil {
					address = next()
				}
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: address},
				}}
			}
			if reply, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}
