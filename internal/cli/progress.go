package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"lsapi/internal/sanitize"
)

// progress shows one line per task at the end of a terminal, until end. A nil progress
// shows nothing.
type progress struct {
	w       io.Writer
	size    func() (width, height int)
	colored bool
	stopped chan struct{}
	drawing sync.WaitGroup

	mu    sync.Mutex
	lines []progressLine
	drawn int // lines on the terminal
	frame int // of the spinner
}

type progressLine struct {
	name, text string
	began      time.Time
	took       time.Duration // if done
	done       bool
	ink        ink
}

// startProgress shows one line per name on stderr, which is a terminal.
func startProgress(p Process, names []string) *progress {
	shown := &progress{w: p.Stderr, size: func() (int, int) { return terminalSize(p.Stderr) }, colored: colors(p, p.Stderr), stopped: make(chan struct{})}
	for _, name := range names {
		shown.lines = append(shown.lines, progressLine{name: name, text: "waiting", began: time.Now()})
	}
	shown.drawing.Go(shown.run)
	return shown
}

func (p *progress) run() {
	ticker := time.NewTicker(drawEvery)
	defer ticker.Stop()
	for {
		p.draw()
		select {
		case <-ticker.C:
		case <-p.stopped:
			return
		}
	}
}

// show sets the text of a line.
func (p *progress) show(line int, text string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines[line].text = text
}

// finish shows the result on a line.
func (p *progress) finish(line int, r changeResult) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	outcome := outcomeCell(r)
	text := outcome.text
	if r.Error != "" {
		text += ": " + r.Error
	}
	l := &p.lines[line]
	l.text, l.ink, l.done, l.took = text, outcome.ink, true, time.Since(l.began)
}

// end removes the lines. The caller prints the results.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.stopped)
	p.drawing.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(p.back() + "\x1b[J")
	p.drawn = 0
}

// draw overwrites the previous lines.
func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	width, height := p.size()
	var text strings.Builder
	text.WriteString(p.back())
	visible := p.visible(height)
	for _, line := range visible {
		text.WriteString("\x1b[2K" + p.render(line, width) + "\n")
	}
	drawn := len(visible)
	if hidden := len(p.lines) - drawn; hidden > 0 {
		fmt.Fprintf(&text, "\x1b[2K  and %d more\n", hidden)
		drawn++
	}
	p.write(text.String() + "\x1b[J")
	p.drawn = drawn
	p.frame++
}

// visible returns the lines that fit on the terminal, unfinished ones first.
func (p *progress) visible(height int) []progressLine {
	room := height - 1 // without the cursor's line
	if len(p.lines) <= room {
		return append([]progressLine(nil), p.lines...)
	}
	var some []progressLine
	for _, done := range []bool{false, true} {
		for _, line := range p.lines {
			if line.done == done && len(some) < room-1 {
				some = append(some, line)
			}
		}
	}
	return some
}

// back returns the control sequence that moves the cursor to the first line.
func (p *progress) back() string {
	if p.drawn == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", p.drawn)
}

// render returns a line that fits the width of the terminal.
func (p *progress) render(l progressLine, width int) string {
	mark, took := string(`|/-\`[p.frame%4]), l.took
	switch {
	case !l.done:
		took = time.Since(l.began)
	case l.ink == green:
		mark = "+"
	default:
		mark = "!"
	}
	text := fmt.Sprintf("%s %-19s %5s  %s", mark, l.name, took.Truncate(time.Second), sanitize.Escape(l.text))
	if utf8.RuneCountInString(text) >= width {
		runes := []rune(text)
		text = string(runes[:max(0, width-4)]) + "..."
	}
	if p.colored {
		text = l.ink.paint(text)
	}
	return text
}

// write writes text in one piece. It ignores errors: the tasks continue without a
// terminal.
func (p *progress) write(text string) { _, _ = io.Copy(p.w, strings.NewReader(text)) }
