package record_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is the network between a replica and its database.
type proxy struct {
	listener net.Listener
	target   string
	work     sync.WaitGroup
	ended    chan struct{} // closed with the test

	// down refuses connections, stalled lets nothing through, deaf no hints.
	down, stalled, deaf atomic.Bool
	// delay is how many microseconds a message is on its way, at most.
	delay atomic.Int64
	// swallow is part of a message at which a connection that listens for hints falls
	// silent. It works once.
	swallow atomic.Pointer[string]
	// trips counts the round trips: a client sends after the database has answered.
	trips atomic.Int64
	// commits decides what becomes of the next commits.
	commits chan fate

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// fate is what happens to a commit on its way.
type fate string

const (
	lost       fate = "the commit is lost"
	unanswered fate = "its answer is lost"
	unheard    fate = "a hint is lost"
	stuck      fate = "nothing arrives any more"
)

// commitMessage is how a client commits, in PostgreSQL's protocol.
var commitMessage = []byte("Q\x00\x00\x00\x0bcommit\x00")

// proxied returns a proxy to the database of a URL, and the URL through it.
func proxied(t testing.TB, direct string) (*proxy, string) {
	t.Helper()
	parsed, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: parsed.Host, commits: make(chan fate, 100), ended: make(chan struct{}), conns: make(map[net.Conn]bool)}
	p.work.Go(p.accept)
	t.Cleanup(func() {
		listener.Close()
		close(p.ended)
		p.cut()
		p.work.Wait()
	})
	parsed.Host = listener.Addr().String()
	return p, parsed.String()
}

// cut ends all connections that there are.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.down.Load() {
			client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		answered, fates := new(atomic.Bool), p.fates()
		p.work.Go(func() {
			p.forward(client, server, func(message []byte) fate {
				if answered.Swap(false) {
					p.trips.Add(1)
				}
				return fates(message)
			})
		})
		p.work.Go(func() {
			p.forward(server, client, func(message []byte) fate {
				answered.Store(true)
				return p.fateOfAnswer(message)
			})
		})
	}
}

// fates returns what decides the fate of one client's messages.
func (p *proxy) fates() func(message []byte) fate {
	listens := false
	return func(message []byte) fate {
		listens = listens || bytes.Contains(message, []byte("LISTEN lsapi_"))
		if part := p.swallow.Load(); listens && part != nil && bytes.Contains(message, []byte(*part)) && p.swallow.CompareAndSwap(part, nil) {
			return stuck
		}
		return p.fateOf(message)
	}
}

func (p *proxy) fateOf(message []byte) fate {
	if !bytes.Contains(message, commitMessage) {
		return ""
	}
	select {
	case f := <-p.commits:
		return f
	default:
		return ""
	}
}

func (p *proxy) fateOfAnswer(message []byte) fate {
	if p.deaf.Load() && message[0] == 'A' { // a notification
		return unheard
	}
	return ""
}

func (p *proxy) forward(from, to net.Conn, fateOf func([]byte) fate) {
	defer func() {
		from.Close()
		to.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, from)
		delete(p.conns, to)
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if most := p.delay.Load(); most > 0 {
			time.Sleep(time.Duration(most/2+rand.Int64N(most/2)) * time.Microsecond)
		}
		for p.stalled.Load() {
			time.Sleep(time.Millisecond)
		}
		switch fateOf(buffer[:n]) {
		case unheard:
			continue
		case lost:
			return
		case stuck: // the server does not even notice that the client has gone
			<-p.ended
			return
		case unanswered:
			from.Close() // so that the answer goes nowhere
			if _, err := to.Write(buffer[:n]); err == nil {
				io.Copy(io.Discard, to) // until the server has answered and noticed
			}
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
