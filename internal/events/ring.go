package events

import (
	"sort"

	"lsapi"
)

// ring holds the last messages. Each has a number, counted from 0, that it keeps.
type ring struct {
	messages []message // those numbered from first on
	first    int64
	size     int // of their frames, in bytes
	// Every message behind floor, up to tail, is in the ring.
	floor, tail lsapi.Position
}

// restart makes the ring empty, at a position. A number is left out, so that a stream
// that had everything until then is behind it too.
func (r *ring) restart(at lsapi.Position) {
	r.first += int64(len(r.messages)) + 1
	r.messages, r.size = nil, 0
	r.floor, r.tail = at, at
}

// add adds messages, which reach up to tail, and drops the oldest.
func (r *ring) add(messages []message, tail lsapi.Position) {
	for _, m := range messages {
		r.size += len(m.frame)
	}
	r.messages = append(r.messages, messages...)
	r.tail = tail
	dropped := 0
	for len(r.messages)-dropped > maxMessages || r.size > maxBytes {
		r.size -= len(r.messages[dropped].frame)
		dropped++
	}
	if dropped == 0 {
		return
	}
	r.floor = r.messages[dropped-1].position
	r.first += int64(dropped)
	clear(r.messages[:dropped]) // the array behind them lives until it has to grow
	r.messages = r.messages[dropped:]
}

// end is the number that the next message will have.
func (r *ring) end() int64 { return r.first + int64(len(r.messages)) }

// find returns the number of the first message behind a place, and false when the
// ring does not reach to it, back or on.
func (r *ring) find(p Place) (int64, bool) {
	if r.floor.After(p.after) || p.after.After(r.tail) {
		return 0, false
	}
	i := sort.Search(len(r.messages), func(i int) bool { return r.messages[i].position.After(p.after) })
	of := 0 // how many messages the event has of which some were told
	for of < p.told && i+of < len(r.messages) && r.messages[i+of].position == r.messages[i].position {
		of++
	}
	return r.first + int64(i+of), of == p.told
}
