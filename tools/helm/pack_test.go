package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
)

func TestPackageHasSameBytes(t *testing.T) {
	date := time.Unix(1764500000, 0)
	var packages [][]byte
	for range 2 {
		path, err := pack(folder, "v1.2.3", t.TempDir(), date)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) != "lsapi-1.2.3.tgz" {
			t.Errorf("it is %s", path)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, content)
		for _, file := range filesOf(t, content) {
			if !file.ModTime.Equal(date) {
				t.Errorf("%s is from %v", file.Name, file.ModTime)
			}
		}
	}
	if !bytes.Equal(packages[0], packages[1]) {
		t.Error("two packages differ")
	}
	c, err := loader.LoadArchive(bytes.NewReader(packages[0]))
	if err != nil {
		t.Fatal(err)
	}
	if c.Metadata.Version != "1.2.3" || c.Metadata.AppVersion != "1.2.3" || len(c.Templates) != len(load(t).Templates) {
		t.Errorf("it has version %s of %s and %d templates", c.Metadata.Version, c.Metadata.AppVersion, len(c.Templates))
	}
	if _, err := render(c, values(t, "all")); err != nil {
		t.Error(err)
	}
}

// filesOf returns the files of a package.
func filesOf(t *testing.T, content []byte) (files []*tar.Header) {
	t.Helper()
	unzip, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for reader := tar.NewReader(unzip); ; {
		file, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
}

func TestChartVersionIsSemantic(t *testing.T) {
	for described, want := range map[string]string{
		"v1.2.3":                   "1.2.3",
		"1.2.3-rc1":                "1.2.3-rc1",
		"v1.2.3-5-g1a2b3c4":        "1.2.3+5.g1a2b3c4",
		"v1.2.3-rc1-5-g1a2b-dirty": "1.2.3-rc1+5.g1a2b.dirty",
		"1a2b3c4d5e6f":             "0.0.0-dev.c1a2b3c4d5e6f",
		"0123456":                  "0.0.0-dev.c0123456",
		"1a2b3c4-dirty":            "0.0.0-dev.c1a2b3c4-dirty",
		"dev":                      "0.0.0-dev.cdev",
	} {
		if got := chartVersion(described); got != want {
			t.Errorf("%s becomes %s, want %s", described, got, want)
		}
	}
}

func TestSourceDateIsANumber(t *testing.T) {
	if date, err := sourceDate("1764500000"); err != nil || date.Unix() != 1764500000 {
		t.Errorf("got %v, %v", date, err)
	}
	if _, err := sourceDate("today"); err == nil {
		t.Error("today is accepted")
	}
}
