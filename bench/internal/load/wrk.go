package load

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Wrk runs the program wrk, which sends the next request of a connection after the
// response to the last.
type Wrk struct {
	Threads     int
	Connections int
	Duration    time.Duration // whole seconds
	// URL is the target, and Header a header of its requests, such as "Name: value".
	URL, Header string
	// Paths, if any, are requested in turn in place of the URL's.
	Paths []string
	// Processor pins wrk to one processor by its number; nil leaves it free.
	Processor *int
}

//go:embed spread.lua
var spread []byte

// Run runs wrk and returns its result.
func (w Wrk) Run(ctx context.Context) (WrkResult, error) {
	arguments := []string{"wrk", "--latency", "--timeout", seconds(answerBound),
		"-t" + strconv.Itoa(w.Threads), "-c" + strconv.Itoa(w.Connections),
		"-d" + seconds(w.Duration),
		"-H", w.Header, w.URL}
	if w.Processor != nil {
		arguments = append([]string{"taskset", "-c", strconv.Itoa(*w.Processor)}, arguments...)
	}
	if len(w.Paths) > 0 {
		script, err := temporaryScript()
		if err != nil {
			return WrkResult{}, err
		}
		defer os.Remove(script)
		arguments = append(append(arguments, "-s", script, "--"), w.Paths...)
	}
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	text, err := command.CombinedOutput()
	if err != nil {
		return WrkResult{}, fmt.Errorf("run %s: %w\n%s", arguments[0], err, text)
	}
	return ParseWrk(string(text))
}

// seconds returns a duration as an argument of wrk: at least a second.
func seconds(d time.Duration) string { return strconv.Itoa(max(1, int(d.Seconds()))) + "s" }

func temporaryScript() (path string, err error) {
	file, err := os.CreateTemp("", "lsapi-bench-*.lua")
	if err != nil {
		return "", err
	}
	if _, err := file.Write(spread); err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}
