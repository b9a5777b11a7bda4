package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// name is that of the loaded image. For each platform, Docker before version 25 adds a
// hyphen and the architecture to the tag.
const name = "lsapi"

// tag is the version as the chart of Helm names it.
func (b build) tag() string { return strings.TrimPrefix(b.version, "v") }

// writeArchive writes the images under one index as an archive.
func writeArchive(output string, b build, images []platformImage) (err error) {
	folder, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := writeLayout(folder, b, images); err != nil {
		return err
	}
	if err := writeDockerManifest(filepath.Join(folder, "manifest.json"), b, images); err != nil {
		return err
	}
	entries, err := readEntries(folder)
	if err != nil {
		return err
	}
	archive, err := os.Create(output)
	if err != nil {
		return err
	}
	if err := writeTar(archive, b.created, entries); err != nil {
		_ = archive.Close()
		return err
	}
	return archive.Close()
}

// writeLayout writes a folder with the OCI layout.
func writeLayout(folder string, b build, images []platformImage) error {
	index := mutate.IndexMediaType(empty.Index, types.DockerManifestList)
	for _, each := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        each.image,
			Descriptor: v1.Descriptor{Platform: &each.platform},
		})
	}
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          "docker.io/library/" + name + ":" + b.tag(),
		"org.opencontainers.image.ref.name": b.tag(),
	}))
}

// dockerImage is an element of Docker's manifest.json.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func writeDockerManifest(file string, b build, images []platformImage) error {
	var manifest []dockerImage
	for _, each := range images {
		config, err := each.image.ConfigName()
		if err != nil {
			return err
		}
		image := dockerImage{Config: blob(config), RepoTags: []string{name + ":" + b.tag() + "-" + each.platform.Architecture}}
		layers, err := each.image.Layers()
		if err != nil {
			return err
		}
		for _, layer := range layers {
			digest, err := layer.Digest()
			if err != nil {
				return err
			}
			image.Layers = append(image.Layers, blob(digest))
		}
		manifest = append(manifest, image)
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// blob is the path of a blob in the OCI layout.
func blob(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

// readEntries returns what is in a folder, in the order of the names.
func readEntries(root string) (entries []entry, err error) {
	err = filepath.WalkDir(root, func(path string, found os.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if found.IsDir() {
			entries = append(entries, folder(name))
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		entries = append(entries, file(name, 0o644, content))
		return nil
	})
	return entries, err
}
