package report

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine of a run.
type Machine struct {
	OS        string `json:"os"`
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    string `json:"memory"`
	Go        string `json:"go"`
}

// DescribeMachine reads Linux's files; on other systems some fields stay unknown.
func DescribeMachine() Machine {
	return Machine{
		OS:        runtime.GOOS + "/" + runtime.GOARCH,
		Processor: firstValue("/proc/cpuinfo", "model name"),
		Cores:     runtime.NumCPU(),
		Memory:    firstValue("/proc/meminfo", "MemTotal"),
		Go:        runtime.Version(),
	}
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %s, %d cores, %s of memory, %s", m.OS, m.Processor, m.Cores, m.Memory, m.Go)
}

// firstValue returns the value of the first "name: value" line of a file.
func firstValue(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
