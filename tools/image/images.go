package main

import (
	"fmt"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// user runs the service and owns /state: a number, because the image has no /etc/passwd.
const user = 65532

// platformImage is the image of one platform.
type platformImage struct {
	platform v1.Platform
	image    v1.Image
}

// images returns an image for each binary. The layer without the binary is the same in all.
func (b build) images(binaries []binary) (images []platformImage, err error) {
	roots, err := b.rootsLayer()
	if err != nil {
		return nil, err
	}
	for _, each := range binaries {
		image, err := b.image(each, roots)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", each.platform, err)
		}
		images = append(images, platformImage{each.platform, image})
	}
	return images, nil
}

// rootsLayer returns the layer with all but the binary.
func (b build) rootsLayer() (v1.Layer, error) {
	rds, err := os.ReadFile(b.rdsRoots)
	if err != nil {
		return nil, err
	}
	licences, err := os.ReadFile(b.licences)
	if err != nil {
		return nil, err
	}
	return b.layer([]entry{
		folder("etc"), folder("etc/ssl"), folder("etc/ssl/certs"),
		file("etc/ssl/certs/ca-certificates.crt", 0o644, publicRoots()),
		{name: "state/", mode: 0o755, owner: user},
		folder("usr"), folder("usr/share"), folder("usr/share/lsapi"),
		file("usr/share/lsapi/licences.txt", 0o644, licences),
		file("usr/share/lsapi/rds.pem", 0o644, rds),
	})
}

func (b build) image(of binary, roots v1.Layer) (v1.Image, error) {
	program, err := os.ReadFile(of.file)
	if err != nil {
		return nil, err
	}
	layer, err := b.layer([]entry{file("lsapi", 0o755, program)})
	if err != nil {
		return nil, err
	}
	// The media types are Docker's, whose configuration has the health check.
	configured, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS:           of.platform.OS,
		Architecture: of.platform.Architecture,
		Variant:      of.platform.Variant,
		Created:      v1.Time{Time: b.created},
		RootFS:       v1.RootFS{Type: "layers"},
		Config:       b.config(),
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(configured,
		mutate.Addendum{Layer: roots, History: b.history("certificate authorities, licences, and the folder of the record")},
		mutate.Addendum{Layer: layer, History: b.history("the static binary")})
}

// config is that of the Dockerfile.
func (b build) config() v1.Config {
	return v1.Config{
		User:         fmt.Sprintf("%d:%d", user, user),
		Env:          []string{"STATE_DIRECTORY=/state"},
		WorkingDir:   "/state",
		Volumes:      map[string]struct{}{"/state": {}},
		ExposedPorts: map[string]struct{}{"8000/tcp": {}},
		Healthcheck: &v1.HealthConfig{
			Test:        []string{"CMD", "/lsapi", "healthcheck"},
			Interval:    10 * time.Second,
			Timeout:     3 * time.Second,
			StartPeriod: 5 * time.Second,
			Retries:     3,
		},
		Entrypoint: []string{"/lsapi"},
		Cmd:        []string{"serve"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "lsapi",
			"org.opencontainers.image.description": "HTTP API and CLI to register EC2 instances with AWS load balancers, with an audit log",
			"org.opencontainers.image.version":     b.version,
			"org.opencontainers.image.revision":    b.revision,
		},
	}
}

func (b build) history(what string) v1.History {
	return v1.History{Created: v1.Time{Time: b.created}, CreatedBy: what}
}
