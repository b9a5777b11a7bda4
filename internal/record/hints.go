package record

import "sync"

// wakes are those who wait for hints.
type Hints struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool // by the name of what they wait for
}

func NewHints() *Hints { return &Hints{waiting: make(map[string]map[chan struct{}]bool)} }

// wait returns a channel that has something in it after each hint, until forget is
// called.
func (w *Hints) Wait(name string) (woken <-chan struct{}, forget func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting[name] == nil {
		w.waiting[name] = make(map[chan struct{}]bool)
	}
	w.waiting[name][c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting[name], c)
		if len(w.waiting[name]) == 0 {
			delete(w.waiting, name)
		}
	}
}

func (w *Hints) Wake(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.waiting[name] {
		Signal(c)
	}
}

// wakeAll is for hints that may have been missed.
func (w *Hints) WakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, waiting := range w.waiting {
		for c := range waiting {
			Signal(c)
		}
	}
}

func Signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
