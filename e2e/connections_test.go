package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	idleConnections = 10_000
	slowConnections = 1_000
	// spareFiles are further open files of the test and the service.
	spareFiles = 1_000
)

// This test does not run in parallel: it needs the whole machine.
func TestServiceRespondsDuringThousandsOfIdleAndSlowConnections(t *testing.T) {
	idle, slow := affordable(t)
	a := startAWS(t, "--fleet", "1x200")
	s := startService(t, a.base)
	members := len(s.get("/elb/elb-0001").ids(t))
	before := s.openFiles(t)

	crowd := &crowd{t: t, address: strings.TrimPrefix(s.base, "http://"), authorization: s.authorization, left: make(chan struct{})}
	defer crowd.close()
	crowd.join(idle, (*crowdMember).idle)
	crowd.join(slow/10, (*crowdMember).slowReader)
	crowd.join(slow*5/10, (*crowdMember).slowBody)
	crowd.join(slow*4/10, (*crowdMember).slowHeader)
	// Slow headers are cut off soon.
	eventually(t, "all are connected", func() bool { return s.openFiles(t) >= before+idle+slow*6/10 })

	var took []time.Duration
	for n := range 200 {
		began := time.Now()
		if answer := s.anonymous().get("/healthcheck"); answer.status != http.StatusOK {
			t.Fatalf("the health check is %d %s", answer.status, answer.body)
		}
		took = append(took, time.Since(began))
		if n%10 == 0 {
			if list := s.get("/elb/elb-0001"); len(list.ids(t)) != members {
				t.Errorf("a list is %d %.200s", list.status, list.body)
			}
		}
	}
	slices.Sort(took)
	t.Logf("behind %d idle and %d slow connections the health check took %v, at most %v", idle, slow, took[len(took)/2], took[len(took)-1])
	if p99 := took[len(took)*99/100]; p99 > testTimeout/3 {
		t.Errorf("the health check's p99 is %v", p99)
	}

	crowd.expectCut(t, "slow header")
	crowd.close()
	eventually(t, "the service has closed what its clients have", func() bool { return s.openFiles(t) <= before+5 })
	if answer := s.get("/elb/elb-0001"); answer.status != http.StatusOK {
		t.Errorf("afterwards a list is %d", answer.status)
	}
}

// affordable returns the number of connections within the limit of open files: each is a
// file here and one in the service.
func affordable(t *testing.T) (idle, slow int) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const all = idleConnections + slowConnections
	if limit.Max >= all+spareFiles {
		return idleConnections, slowConnections
	}
	if limit.Max < 2*spareFiles {
		t.Skipf("a process may have no more than %d files open (ulimit -n)", limit.Max)
	}
	share := float64(limit.Max-spareFiles) / all
	idle, slow = int(idleConnections*share), int(slowConnections*share)
	t.Logf("SCALED DOWN to %d idle and %d slow connections: a process may have no more than %d files open (ulimit -n)", idle, slow, limit.Max)
	return idle, slow
}

// openFiles returns the number of the process's open files, including connections.
func (p *process) openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// crowd is a set of clients that keep connections open.
type crowd struct {
	t             *testing.T
	address       string
	authorization string
	members       sync.WaitGroup
	left          chan struct{} // closed to end the clients
	leaving       sync.Once

	mu  sync.Mutex
	cut map[string]int // connections that the service has cut off, by kind
}

type crowdMember struct {
	*crowd
	net.Conn
}

// join connects n more clients.
func (c *crowd) join(count int, behave func(*crowdMember)) {
	c.t.Helper()
	const atOnce = 50
	connect := make(chan struct{}, count)
	for range count {
		connect <- struct{}{}
	}
	close(connect)
	var connecting sync.WaitGroup
	for range atOnce {
		connecting.Go(func() {
			for range connect {
				connection, err := net.Dial("tcp", c.address)
				if err != nil {
					c.t.Errorf("connect: %v", err)
					return
				}
				m := &crowdMember{c, connection}
				c.members.Go(func() {
					defer m.Close()
					behave(m)
				})
			}
		})
	}
	connecting.Wait()
}

// close closes all connections.
func (c *crowd) close() {
	c.leaving.Do(func() { close(c.left) })
	c.members.Wait()
}

// expectCut waits until the service has cut off a connection of this kind.
func (c *crowd) expectCut(t *testing.T, behaviour string) {
	t.Helper()
	eventually(t, "the service cuts off a slow connection: "+behaviour, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.cut[behaviour] > 0
	})
}

// idle makes one request and keeps its connection for another.
func (m *crowdMember) idle() {
	if _, err := io.WriteString(m, "GET /healthcheck HTTP/1.1\r\nHost: lsapi\r\n\r\n"); err != nil {
		m.t.Errorf("ask: %v", err)
	}
	<-m.left
}

// slowHeader sends a request's header byte by byte.
func (m *crowdMember) slowHeader() {
	m.drip("slow header", "GET /healthcheck HTTP/1.1\r\nHost: lsapi\r\nX-Slow: ")
}

// slowBody sends a request's body byte by byte.
func (m *crowdMember) slowBody() {
	m.drip("slow body", "POST /elb/elb-0001 HTTP/1.1\r\nHost: lsapi\r\nAuthorization: "+m.authorization+"\r\nContent-Length: 60000\r\n\r\n")
}

// wasCut counts a connection that the service ended.
func (m *crowdMember) wasCut(behaviour string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cut == nil {
		m.cut = map[string]int{}
	}
	m.cut[behaviour]++
}

// drip sends the start, and then an endless rest byte by byte.
func (m *crowdMember) drip(behaviour, beginning string) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for text := beginning; ; text = " " {
		if _, err := io.WriteString(m, text); err != nil {
			m.wasCut(behaviour)
			return
		}
		select {
		case <-m.left:
			return
		case <-tick.C:
		}
	}
}

// slowReader requests more than the buffers of a connection hold, and reads it byte by
// byte.
func (m *crowdMember) slowReader() {
	request := fmt.Sprintf("GET /elb/elb-0001 HTTP/1.1\r\nHost: lsapi\r\nAuthorization: %s\r\n\r\n", m.authorization)
	if _, err := io.WriteString(m, strings.Repeat(request, 250)); err != nil {
		m.t.Errorf("ask: %v", err)
		return
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for one := make([]byte, 1); ; {
		if _, err := m.Read(one); err != nil {
			m.t.Errorf("read: %v", err)
			return
		}
		select {
		case <-m.left:
			return
		case <-tick.C:
		}
	}
}
