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

// maxOvertakes is how many tickets of a higher rank go before the one that has
// waited the longest: whatever the others do, it gets every fourth token.
const maxOvertakes = 3

// queue holds the tickets that wait, in the order in which they came. Their
// ranks are looked at when a token is there and not before, so that a rank may
// change at any time without a word to the queue. That costs a look at every
// ticket for each token, of which there are some tens in a second.
type queue struct {
	tickets   []*ticket
	overtakes int // of the first, since it is the first
}

func (q *queue) add(t *ticket) { q.tickets = append(q.tickets, t) }

func (q *queue) len() int { return len(q.tickets) }

// next takes out the ticket whose turn it is: the first of the highest rank, or
// the first of all when it was overtaken often enough. The queue must not be
// empty.
func (q *queue) next() *ticket {
	turn := 0
	if q.overtakes < maxOvertakes {
		turn = q.urgent()
	}
	t := q.tickets[turn]
	q.delete(turn)
	if turn > 0 {
		q.overtakes++
	}
	return t
}

// urgent returns the place of the first ticket of the highest rank.
func (q *queue) urgent() int {
	place, highest := 0, q.tickets[0].purpose.Rank()
	for i, t := range q.tickets {
		if rank := t.purpose.Rank(); rank > highest {
			place, highest = i, rank
		}
	}
	return place
}

// remove takes t out and reports whether it was there.
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
