package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// withOpenFiles limits the number of the process's open files.
func withOpenFiles(limit int) setting {
	return func(c *exec.Cmd) {
		c.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, limit), c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
	}
}

// soon bounds a response; it is far below the lifetime of idle connections.
const soon = 15 * time.Second

func TestClientsWithoutCredentialsCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	a := startAWS(t, "--fleet", "1x20")
	for name, behave := range map[string]func(*crowdMember){
		"idle":        (*crowdMember).idle,
		"slow header": (*crowdMember).slowHeader,
		"nothing":     func(m *crowdMember) { <-m.left },
		"no body": func(m *crowdMember) {
			io.WriteString(m, "POST /elb/elb-0001 HTTP/1.1\r\nHost: lsapi\r\nContent-Length: 60000\r\n\r\n")
			<-m.left
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, a.base, withOpenFiles(256))
			limit := int(s.metric(t, "lsapi_http_connections_limit"))
			crowd := &crowd{t: t, address: strings.TrimPrefix(s.base, "http://"), left: make(chan struct{})}
			defer crowd.close()
			crowd.join(2*limit, behave)
			for _, host := range []string{"127.0.0.1", "127.0.0.2"} { // the crowd's address, and another
				transport := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}).DialContext}
				client := http.Client{Transport: transport, Timeout: soon}
				for range 10 {
					answer, err := client.Get(s.base + "/healthcheck")
					if err != nil {
						t.Fatalf("a client at %s has no answer: %v", host, err)
					}
					answer.Body.Close()
					if answer.StatusCode != http.StatusOK {
						t.Errorf("a client at %s: %d", host, answer.StatusCode)
					}
				}
			}
			if open := s.metric(t, "lsapi_http_connections"); int(open) > limit {
				t.Errorf("%v connections are open, and the limit is %d", open, limit)
			}
		})
	}
}
