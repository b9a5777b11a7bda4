// Command helm packages lsapi's chart: the same chart, version and SOURCE_DATE_EPOCH give
// the same bytes.
//
//	helm package CHART VERSION FOLDER
//
// VERSION is what git describe prints. It becomes the appVersion, the default tag of the
// image, and, as a semantic version, the version of the chart. The command prints the path of
// the package. Relative paths start at the working directory of go -C, which is this folder.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) != 5 || os.Args[1] != "package" {
		fmt.Fprintln(os.Stderr, "usage: helm package CHART VERSION FOLDER")
		os.Exit(2)
	}
	date, err := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	path, err := pack(os.Args[2], os.Args[3], os.Args[4], date)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(path)
}

// sourceDate parses SOURCE_DATE_EPOCH. Without it, files are from 1970.
func sourceDate(seconds string) (time.Time, error) {
	if seconds == "" {
		return time.Unix(0, 0), nil
	}
	number, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(number, 0), nil
}
