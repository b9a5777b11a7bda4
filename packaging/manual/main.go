// Command manual writes the man pages of all commands, and their shell completions.
//
//	manual VERSION FOLDER
//
// It writes FOLDER/man/lsapi*.1 and FOLDER/completions/{lsapi.bash,_lsapi,lsapi.fish}. The
// pages have the date SOURCE_DATE_EPOCH, in seconds since 1970.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "manual: %v\n", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: manual VERSION FOLDER")
	}
	version, folder := arguments[0], arguments[1]
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("the date of the pages, SOURCE_DATE_EPOCH: %w", err)
	}
	pages, completions := filepath.Join(folder, "man"), filepath.Join(folder, "completions")
	for _, each := range []string{pages, completions} {
		if err := os.MkdirAll(each, 0o755); err != nil { //nolint:gosec // every user may read what is published
			return err
		}
	}
	if err := writePages(pages, version, time.Unix(seconds, 0).UTC()); err != nil {
		return err
	}
	return writeCompletions(completions)
}
