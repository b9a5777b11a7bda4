// Command lsapi registers EC2 instances with AWS load balancers, as an HTTP API and a
// CLI. Run it with --help.
package main

import (
	"os"
	_ "time/tzdata" // so that TZ works on a machine without zone files

	"lsapi/internal/cli"
)

func main() {
	os.Exit(cli.Run(cli.Process{
		Args:    os.Args[1:],
		Environ: os.Environ(),
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
	}))
}
