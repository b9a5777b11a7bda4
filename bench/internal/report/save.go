package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Paths in the repository.
const (
	resultsFile  = "bench/results.json"
	documentFile = "docs/performance.md"
	plotFolder   = "docs"
)

// The markers around the tables in the document.
const (
	beginMarker = "<!-- The table is written by make bench: begin -->"
	endMarker   = "<!-- end -->"
)

// Save writes the figures as JSON, the tables into the document, and the plots, all below
// a folder. The document's other text comes from the repository in the working directory.
// Errors do not stop the other steps.
func (r *Report) Save(ctx context.Context, folder string) error { return r.save(ctx, folder, r) }

// SaveSections does the same, and keeps the other sections of the last results in the
// repository. The order is that of the names.
func (r *Report) SaveSections(ctx context.Context, folder string, names []string) error {
	last, err := readJSON(resultsFile)
	if err != nil {
		return err
	}
	return r.save(ctx, folder, last.with(r, names))
}

// save writes the tables of a report, and the plots of r.
func (r *Report) save(ctx context.Context, folder string, tables *Report) error {
	if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(resultsFile)), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(folder, plotFolder), 0o755); err != nil {
		return err
	}
	return errors.Join(
		tables.saveJSON(filepath.Join(folder, resultsFile)),
		tables.saveDocument(documentFile, filepath.Join(folder, documentFile)),
		r.draw(ctx, filepath.Join(folder, plotFolder)),
	)
}

func (r *Report) saveJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func readJSON(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// with returns a report with the sections of a later one, which replace those of the same
// names, in the order of names. Sections that are not in names are dropped.
func (r *Report) with(later *Report, names []string) *Report {
	byName := make(map[string]*Section)
	for _, s := range r.Sections {
		byName[s.Name] = s
	}
	for _, s := range later.Sections {
		apart := *s
		apart.Apart = &later.Run
		byName[s.Name] = &apart
	}
	merged := &Report{Run: r.Run}
	for _, name := range names {
		if s, ok := byName[name]; ok {
			merged.Sections = append(merged.Sections, s)
		}
	}
	return merged
}

func (r *Report) saveDocument(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	updated, err := insert(string(text), r.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return os.WriteFile(to, []byte(updated), 0o644)
}

// insert replaces the text between the markers of a document.
func insert(document, table string) (string, error) {
	before, rest, ok := strings.Cut(document, beginMarker)
	if !ok {
		return "", fmt.Errorf("there is no %q to write the table behind", beginMarker)
	}
	_, after, ok := strings.Cut(rest, endMarker)
	if !ok {
		return "", fmt.Errorf("there is no %q behind the table", endMarker)
	}
	return before + beginMarker + "\n\n" + strings.TrimSpace(table) + "\n\n" + endMarker + after, nil
}
