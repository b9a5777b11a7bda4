package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

// pack writes the package of a chart's folder, with all files from the date. It returns the
// path.
func pack(folder, version, out string, date time.Time) (string, error) {
	chart, err := loader.LoadDir(folder)
	if err != nil {
		return "", err
	}
	chart.Metadata.Version = chartVersion(version)
	chart.Metadata.AppVersion = strings.TrimPrefix(version, "v")
	path, err := chartutil.Save(chart, out)
	if err != nil {
		return "", err
	}
	return path, redate(path, date)
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

// redate sets the date of all files of a package. The library writes the present.
func redate(path string, date time.Time) error {
	before, err := os.Open(path)
	if err != nil {
		return err
	}
	defer before.Close()
	unzip, err := gzip.NewReader(before)
	if err != nil {
		return err
	}
	after, err := os.CreateTemp(filepath.Dir(path), "chart-")
	if err != nil {
		return err
	}
	defer os.Remove(after.Name()) // fails after the rename
	zip := gzip.NewWriter(after)
	zip.Header = gzip.Header{Comment: unzip.Comment, Extra: unzip.Extra, OS: unzip.OS}
	if err := errors.Join(copyDated(tar.NewWriter(zip), tar.NewReader(unzip), date), zip.Close(), after.Chmod(0o644), after.Close()); err != nil {
		return err
	}
	return os.Rename(after.Name(), path)
}

// copyDated copies an archive and closes it.
func copyDated(to *tar.Writer, from *tar.Reader, date time.Time) error {
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			return to.Close()
		}
		if err != nil {
			return err
		}
		header.ModTime = date
		header.Format = tar.FormatUSTAR
		if err := to.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil { //nolint:gosec // our own chart
			return err
		}
	}
}
