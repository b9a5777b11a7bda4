package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"
)

// pack writes the package of a chart's folder, with all files from the date. It returns the
// path.
func pack(folder, version, out string, date time.Time) (string, error) {
	c, err := loader.LoadDir(folder)
	if err != nil {
		return "", err
	}
	c.Metadata.Version = chartVersion(version)
	c.Metadata.AppVersion = strings.TrimPrefix(version, "v")
	if err := c.Validate(); err != nil {
		return "", err
	}
	content, err := archive(c, date)
	if err != nil {
		return "", err
	}
	path := filepath.Join(out, c.Name()+"-"+c.Metadata.Version+".tgz")
	return path, errors.Join(os.MkdirAll(out, 0o755), os.WriteFile(path, content, 0o644))
}

// archive returns the files of a chart as Helm packages them. Helm's own function dates them by
// the present.
func archive(c *chart.Chart, date time.Time) ([]byte, error) {
	metadata, err := yaml.Marshal(c.Metadata)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	zip := gzip.NewWriter(&content)
	files := tar.NewWriter(zip)
	for _, file := range c.Raw {
		text := file.Data
		if file.Name == "Chart.yaml" {
			text = metadata
		}
		header := &tar.Header{Name: c.Name() + "/" + file.Name, Mode: 0o644, Size: int64(len(text)), ModTime: date, Format: tar.FormatUSTAR}
		if err := files.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := files.Write(text); err != nil {
			return nil, err
		}
	}
	err = errors.Join(files.Close(), zip.Close())
	return content.Bytes(), err
}

var (
	semantic  = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)
	described = regexp.MustCompile(`^([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.]+)??)-([0-9]+)-(g[0-9a-f]+)(-dirty)?$`)
	noPart    = regexp.MustCompile(`[^0-9A-Za-z-]+`)
)

// chartVersion returns the semantic version for what git describe prints: v1.2.0 is 1.2.0,
// v1.2.0-5-g1a2b3c4 is 1.2.0+5.g1a2b3c4, and a commit without a tag 0.0.0-dev.COMMIT.
func chartVersion(version string) string {
	text := strings.TrimPrefix(version, "v")
	if parts := described.FindStringSubmatch(text); parts != nil {
		return parts[1] + "+" + parts[2] + "." + parts[3] + strings.Replace(parts[4], "-", ".", 1)
	}
	if semantic.MatchString(text) {
		return text
	}
	return "0.0.0-dev.c" + noPart.ReplaceAllString(text, "-")
}
