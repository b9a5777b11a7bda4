package budget

import "slices"

// ticket is an attempt that waits for a token.
type ticket struct {
	purpose  *Purpose
	admitted chan struct{} // closed when the token is there
}

func newTicket(purpose *Purpose) *ticket {
	return &ticket{purpose: purpose, admitted: make(chan struct{})}
}

// queue holds the tickets that wait, in the order in which they came. Their
// ranks are looked at when a token is there and not before, so that a rank may
// change at any time without a word to the queue. That costs a look at every
// ticket for each token, of which there are some tens in a second.
type queue []*ticket

// next takes out the ticket whose turn it is: the first of the highest rank. The
// queue must not be empty.
func (q *queue) next() *ticket {
	turn, highest := 0, (*q)[0].purpose.Rank()
	for i, t := range *q {
		if rank := t.purpose.Rank(); rank > highest {
			turn, highest = i, rank
		}
	}
	t := (*q)[turn]
	*q = slices.Delete(*q, turn, turn+1)
	return t
}

// remove takes t out and reports whether it was there.
func (q *queue) remove(t *ticket) bool {
	i := slices.Index(*q, t)
	if i < 0 {
		return false
	}
	*q = slices.Delete(*q, i, i+1)
	return true
}
