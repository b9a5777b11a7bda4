package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"lsapi/internal/sanitize"
)

// progress shows a line for each of several things that are under way, below one
// another at the end of a terminal, until it is ended. A nil progress shows nothing.
type progress struct {
	w       io.Writer
	size    func() (width, height int)
	colored bool
	stopped chan struct{}
	drawing sync.WaitGroup

	mu    sync.Mutex
	lines []progressLine
	drawn int // how many lines are on the terminal
	turn  int // of the wheel
}

// progressLine is one of them.
type progressLine struct {
	name, text string
	began      time.Time
	took       time.Duration // once it is done
	done       bool
	ink        ink
}

// startProgress shows a line for each name on stderr, a terminal.
func startProgress(p Process, names []string) *progress {
	shown := &progress{w: p.Stderr, size: func() (int, int) { return terminalSize(p.Stderr) }, colored: colors(p, p.Stderr), stopped: make(chan struct{})}
	for _, name := range names {
		shown.lines = append(shown.lines, progressLine{name: name, text: "waiting", began: time.Now()})
	}
	shown.drawing.Go(shown.run)
	return shown
}

func terminalSize(w io.Writer) (width, height int) {
	if file, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(file.Fd())); err == nil && width > 0 && height > 0 {
			return width, height
		}
	}
	return defaultWidth, defaultHeight
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

// show says how far a line has come.
func (p *progress) show(line int, text string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines[line].text = text
}

// finish says what came of a line.
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

// end takes the lines off the terminal: what came of them is told otherwise.
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

// draw writes the lines over those that were there before.
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
	p.turn++
}

// visible are as many lines as there is room for on a terminal of some height; those
// that are under way before those that are done.
func (p *progress) visible(height int) []progressLine {
	room := height - 1 // the cursor is below them
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

// back is what moves the cursor to the first line.
func (p *progress) back() string {
	if p.drawn == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", p.drawn)
}

// render returns a line that is not wider than the terminal, which would break it.
func (p *progress) render(l progressLine, width int) string {
	mark, took := string(`|/-\`[p.turn%4]), l.took
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

// write writes all at once, so that nothing gets in between. A terminal that is gone
// is no reason to give up what is under way.
func (p *progress) write(text string) { _, _ = io.Copy(p.w, strings.NewReader(text)) }
