package emulator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/fleet"
)

// discard is a ResponseWriter that only counts.
type discard struct {
	header http.Header
	size   int64
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	return io.Discard.Write(p)
}

func BenchmarkReads(b *testing.B) {
	f, err := fleet.Parse("400x100")
	if err != nil {
		b.Fatal(err)
	}
	e, err := New(Options{Fleet: f})
	if err != nil {
		b.Fatal(err)
	}
	ids := url.Values{"Version": {ec2.Version}, "Action": {"DescribeInstances"}, "Filter.1.Name": {"instance-id"}}
	for n := range 200 {
		ids.Set("Filter.1.Value."+string(rune('0'+n/100))+string(rune('0'+n/10%10))+string(rune('0'+n%10)), fleet.MemberID(n+1, 1))
	}
	for name, form := range map[string]url.Values{
		"400 load balancers of 100 members": {"Version": {elb.Version}, "Action": {"DescribeLoadBalancers"}},
		"one load balancer of 100 members":  {"Version": {elb.Version}, "Action": {"DescribeLoadBalancers"}, "LoadBalancerNames.member.1": {fleet.BalancerName(7)}},
		"200 instances by filter":           ids,
		"a page of 1000 instances":          {"Version": {ec2.Version}, "Action": {"DescribeInstances"}, "MaxResults": {"1000"}},
	} {
		body := form.Encode()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256")
				w := &discard{header: http.Header{}}
				e.ServeHTTP(w, r)
				b.SetBytes(w.size)
			}
		})
	}
}
