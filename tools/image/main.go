// Command image writes the container image of lsapi for several platforms as one archive,
// without a daemon, a registry or root. It is the image of the Dockerfile, which compiles too.
//
//	image [flags] OUTPUT PLATFORM=BINARY...
//
// The archive has the OCI layout, and a manifest.json for Docker before version 25. Equal
// arguments give equal bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// build is what all platforms have in common.
type build struct {
	version  string
	revision string
	created  time.Time
	rdsRoots string // the file with the authorities of Amazon RDS
	licences string // the file with those of what the binary contains
}

// binary is the compiled program of a platform.
type binary struct {
	platform v1.Platform
	file     string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	var b build
	flag.StringVar(&b.version, "version", "dev", "the `version`; without a v at its begin it is the tag")
	flag.StringVar(&b.revision, "revision", "", "the `commit`")
	flag.StringVar(&b.rdsRoots, "rds-roots", "packaging/rds/rds.pem", "the `file` with the authorities of Amazon RDS")
	flag.StringVar(&b.licences, "licences", "", "the `file` with the licences of what the binary contains")
	seconds := flag.Int64("created", 0, "the date of everything, in `seconds` since 1970")
	flag.Parse()
	b.created = time.Unix(*seconds, 0).UTC()
	if flag.NArg() < 2 {
		return errors.New("usage: image [flags] OUTPUT PLATFORM=BINARY...")
	}
	binaries, err := parseBinaries(flag.Args()[1:])
	if err != nil {
		return err
	}
	images, err := b.images(binaries)
	if err != nil {
		return err
	}
	return writeArchive(flag.Arg(0), b, images)
}

func parseBinaries(arguments []string) (binaries []binary, err error) {
	for _, argument := range arguments {
		name, file, found := strings.Cut(argument, "=")
		if !found {
			return nil, fmt.Errorf("%s is not PLATFORM=BINARY", argument)
		}
		platform, err := v1.ParsePlatform(name)
		if err != nil {
			return nil, err
		}
		binaries = append(binaries, binary{*platform, file})
	}
	return binaries, nil
}
