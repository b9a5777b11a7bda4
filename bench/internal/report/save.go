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
func (r *Report) Save(ctx context.Context, folder string) error {
	if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(resultsFile)), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(folder, plotFolder), 0o755); err != nil {
		return err
	}
	return errors.Join(
		r.saveJSON(filepath.Join(folder, resultsFile)),
		r.saveDocument(documentFile, filepath.Join(folder, documentFile)),
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
