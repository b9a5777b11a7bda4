package stress

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// page is the report's page with uPlot, which page/update.sh downloads.
//
//go:embed page/report.html page/page.js page/uplot.js page/uplot.css page/LICENSE
var page embed.FS

// WriteHTML writes the report as one file that needs no network. The values are JSON with
// escaped <, so that none becomes markup.
func (r Report) WriteHTML(w io.Writer) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	parts := []string{"{{data}}", string(data)}
	for _, name := range []string{"uplot.css", "uplot.js", "page.js"} {
		content, err := page.ReadFile("page/" + name)
		if err != nil {
			return fmt.Errorf("read a part of the page: %w", err)
		}
		text := string(content)
		if name == "uplot.js" {
			license, err := page.ReadFile("page/LICENSE")
			if err != nil {
				return fmt.Errorf("read a part of the page: %w", err)
			}
			text = "/*\n" + string(license) + "*/\n" + text
		}
		parts = append(parts, "{{"+name+"}}", text)
	}
	frame, err := page.ReadFile("page/report.html")
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	_, err = strings.NewReplacer(parts...).WriteString(w, string(frame))
	return err //nolint:wrapcheck // the writer's error
}

// WriteJSON writes the report as JSON.
func (r Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r) //nolint:wrapcheck // the writer's error
}
