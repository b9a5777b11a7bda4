package budget

import "slices"

// ticket is an attempt that waits for a token.
type ticket struct {
	priority *Priority
	admitted chan struct{} // closed when it gets its token
}

func newTicket(priority *Priority) *ticket {
	return &ticket{priority: priority, admitted: make(chan struct{})}
}

// maxOvertakes is how often the oldest ticket is overtaken. So it gets every fourth token
// at least.
const maxOvertakes = 3

// queue holds the waiting tickets in order of arrival. It reads their priorities when a
// token is available, so that they may change at any time. That costs a scan for each of
// some tens of tokens a second.
type queue struct {
	tickets   []*ticket
	overtakes int // of the first ticket
}

func (q *queue) add(t *ticket) { q.tickets = append(q.tickets, t) }

func (q *queue) len() int { return len(q.tickets) }

// next removes and returns the first ticket of the highest priority, or the oldest if it
// was overtaken maxOvertakes times. The queue must not be empty.
func (q *queue) next() *ticket {
	i := 0
	if q.overtakes < maxOvertakes {
		i = q.mostUrgent()
	}
	t := q.tickets[i]
	q.delete(i)
	if i > 0 {
		q.overtakes++
	}
	return t
}

// mostUrgent returns the index of the first ticket of the highest priority.
func (q *queue) mostUrgent() int {
	index, highest := 0, q.tickets[0].priority.Level()
	for i, t := range q.tickets {
		if level := t.priority.Level(); level > highest {
			index, highest = i, level
		}
	}
	return index
}

// remove removes t and reports whether it was in the queue.
func (q *queue) remove(t *ticket) bool {
	i := slices.Index(q.tickets, t)
	if i < 0 {
		return false
	}
	q.delete(i)
	return true
}

func (q *queue) delete(i int) {
	q.tickets = slices.Delete(q.tickets, i, i+1)
	if i == 0 {
		q.overtakes = 0
	}
}
