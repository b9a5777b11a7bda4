package process_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lsapi/bench/internal/process"
)

// The test binary is also the program that the tests start.
func TestMain(m *testing.M) {
	switch address := os.Getenv("SERVE"); address {
	case "":
		os.Exit(m.Run())
	case "nothing":
		fmt.Println("no server today")
	default:
		http.HandleFunc("/burn", func(http.ResponseWriter, *http.Request) {
			for began := processorTime(); processorTime()-began < 100*time.Millisecond; {
			}
		})
		http.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
		fmt.Println(http.ListenAndServe(address, nil))
	}
}

// processorTime returns the processor time of this process so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// command runs the test program, which may serve at an address.
func command(t *testing.T, serve, address string) process.Command {
	t.Helper()
	return process.Command{
		Path:   os.Args[0],
		Env:    []string{"SERVE=" + serve},
		Output: filepath.Join(t.TempDir(), "output"),
		Ready:  "http://" + address,
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func start(t *testing.T) (p *process.Process, url string) {
	t.Helper()
	address := freeAddress(t)
	p, err := process.Start(t.Context(), command(t, address, address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p, "http://" + address
}

func TestStartedProcessResponds(t *testing.T) {
	p, url := start(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if p.Startup() <= 0 {
		t.Errorf("it started in %v", p.Startup())
	}
}

func TestStoppedProcessIsGone(t *testing.T) {
	p, url := start(t)
	p.Stop()
	if response, err := http.Get(url); err == nil {
		response.Body.Close()
		t.Error("it still answers")
	}
	if usage, err := p.Usage(); err == nil {
		t.Errorf("it still uses %+v", usage)
	}
}

func TestStartReportsOutputOfEndedProcess(t *testing.T) {
	_, err := process.Start(t.Context(), command(t, "nothing", freeAddress(t)))
	if err == nil || !strings.Contains(err.Error(), "no server today") {
		t.Errorf("got %v", err)
	}
}

func TestUsageGrowsWithWork(t *testing.T) {
	p, url := start(t)
	before, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(url + "/burn")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	after, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if burnt := after.CPU - before.CPU; burnt < 50*time.Millisecond || burnt > 10*time.Second {
		t.Errorf("100 ms of work cost %v", burnt)
	}
	if after.Resident < 1<<20 {
		t.Errorf("it lives in %d bytes", after.Resident)
	}
}
