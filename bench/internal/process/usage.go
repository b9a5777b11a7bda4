package process

import (
	"fmt"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is the cost of a process and its children so far.
type Usage struct {
	CPU      time.Duration // user and system, to 10 ms
	Resident int64         // bytes of memory; shared memory counts in each process
}

// Usage reads /proc, which exists on Linux only.
func (p *Process) Usage() (Usage, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return Usage{}, fmt.Errorf("what processes cost can be read on Linux only: %w", err)
	}
	pid := p.command.Process.Pid
	var sum Usage
	for _, proc := range all {
		stat, err := proc.Stat()
		if err != nil || stat.PID != pid && stat.PPID != pid {
			continue // other processes may end meanwhile
		}
		sum.CPU += time.Duration(stat.CPUTime() * float64(time.Second))
		sum.Resident += int64(stat.ResidentMemory())
	}
	if sum.Resident == 0 {
		return Usage{}, fmt.Errorf("process %d has ended", pid)
	}
	return sum, nil
}
