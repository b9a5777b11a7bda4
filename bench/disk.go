package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"lsapi/bench/internal/load"
)

const (
	syncsLast = 3 * time.Second
	syncSize  = 4 << 10    // the size of a database page
	inMemory  = 0x01021994 // Linux's type of a file system in memory
)

// syncs appends to a file in the folder of the run, and measures each fsync: the least
// time of a durable write.
func (b *bench) syncs(ctx context.Context, lasts time.Duration) (load.Latencies, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &disk); err != nil {
		return nil, err
	}
	if disk.Type == inMemory {
		return nil, fmt.Errorf("%s is in memory, where nothing is durable; name a folder on a disk by TMPDIR", b.dir)
	}
	file, err := os.Create(b.file("synced"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var measured []time.Duration
	block := make([]byte, syncSize)
	for end := time.Now().Add(lasts); time.Now().Before(end) && ctx.Err() == nil; {
		began := time.Now()
		if _, err := file.Write(block); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, err
		}
		measured = append(measured, time.Since(began))
	}
	return load.NewLatencies(measured), ctx.Err()
}
