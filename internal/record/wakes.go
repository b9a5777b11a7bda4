package record

import "sync"

// wakes are those who wait for hints.
type wakes struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool // by the name of what they wait for
}

func newWakes() *wakes { return &wakes{waiting: make(map[string]map[chan struct{}]bool)} }

// wait returns a channel that has something in it after each hint, until forget is
// called.
func (w *wakes) wait(name string) (woken <-chan struct{}, forget func()) {
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

func (w *wakes) wake(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.waiting[name] {
		signal(c)
	}
}

// wakeAll is for hints that may have been missed.
func (w *wakes) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, waiting := range w.waiting {
		for c := range waiting {
			signal(c)
		}
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
