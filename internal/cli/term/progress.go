package term

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"lsapi/internal/sanitize"
)

// Progress shows one line per task at the end of a terminal, until End. A nil Progress
// shows nothing.
type Progress struct {
	bars   *mpb.Progress
	screen progressScreen
	count  int // of tasks
	tasks  []*task
}

type task struct {
	bar  *mpb.Bar
	text atomic.Pointer[Cell]
}

// NewProgress shows one line per name on w, which is a terminal.
func NewProgress(w io.Writer, color bool, names []string) *Progress {
	screen := progressScreen{cupwriter.New(w, true), w}
	p := &Progress{screen: screen, count: len(names), bars: mpb.New(mpb.WithConsoleWriter(screen), mpb.WithQueueLen(len(names)+1))}
	for _, name := range names {
		t := &task{}
		t.text.Store(&Cell{Text: "waiting"})
		paint := func(text string) string {
			if !color {
				return text
			}
			return t.text.Load().Style.Render(text)
		}
		spinner := decor.Spinner([]string{"|", "/", "-", `\`})
		text := decor.Any(func(decor.Statistics) string { return "  " + sanitize.Escape(t.text.Load().Text) })
		t.bar = p.add(
			decor.Meta(decor.OnComplete(decor.OnAbort(spinner, "!"), "+"), paint),
			decor.Name(" "+name, decor.WCSyncWidthR),
			decor.Elapsed(decor.ET_STYLE_GO, decor.WC{W: len("  100s")}),
			decor.Meta(text, paint),
		)
		p.tasks = append(p.tasks, t)
	}
	if p.hidden() > 0 {
		more := decor.Any(func(decor.Statistics) string { return fmt.Sprintf("  and %d more", p.hidden()) })
		p.tasks = append(p.tasks, &task{bar: p.add(more)})
	}
	return p
}

// add adds a line below the others.
func (p *Progress) add(decorators ...decor.Decorator) *mpb.Bar {
	return p.bars.New(1, mpb.NopStyle(), mpb.BarFillerTrim(), mpb.PrependDecorators(decorators...))
}

// hidden returns the number of tasks that do not fit on the terminal.
func (p *Progress) hidden() int {
	_, rows, _ := p.screen.GetTermSize()
	if p.count <= rows {
		return 0
	}
	return p.count - (rows - 1) // one row shows how many are hidden
}

// Show sets the text of a task's line.
func (p *Progress) Show(i int, text string) {
	if p != nil {
		p.tasks[i].text.Store(&Cell{Text: text})
	}
}

// Finish shows the result on a task's line. If not all lines fit, it makes room for those
// of unfinished tasks.
func (p *Progress) Finish(i int, result Cell, succeeded bool) {
	if p == nil {
		return
	}
	t := p.tasks[i]
	t.text.Store(&result)
	if p.hidden() > 0 {
		t.bar.SetPriority(i - p.count)
	}
	if succeeded {
		t.bar.Increment()
	} else {
		t.bar.Abort(false)
	}
}

// End removes the lines. The caller prints the results.
func (p *Progress) End() {
	if p == nil {
		return
	}
	for _, t := range p.tasks {
		t.bar.Abort(false)
	}
	p.bars.Wait()
	_ = p.screen.Flush(0) // writes the control sequence that mpb wrote last
}

// progressScreen keeps the last column and row free for the cursor, without which the
// terminal would scroll.
type progressScreen struct {
	*cupwriter.Writer
	w io.Writer
}

// GetTermSize implements mpb.ConsoleWriter.
func (s progressScreen) GetTermSize() (width, height int, err error) {
	width, height = Size(s.w)
	return max(1, width-1), max(1, height-1), nil
}

// Flush implements mpb.ConsoleWriter. It counts the lines itself: mpb's number is too small
// when some lines do not fit.
func (s progressScreen) Flush(int) error {
	return s.Writer.Flush(bytes.Count(s.Bytes(), []byte("\n")))
}
