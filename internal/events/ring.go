package events

import (
	"sort"

	"lsapi"
)

// message is an encoded server-sent event.
type message struct {
	pool     lsapi.PoolID
	member   lsapi.MemberID
	position lsapi.Position // of its event
	cursor   Cursor         // after the message
	frame    []byte
}

// ring holds the latest messages. They are numbered from 0.
type ring struct {
	messages []message
	first    int64 // the number of messages[0]
	size     int   // of the frames, in bytes
	// The ring holds every message after floor, up to tail.
	floor, tail lsapi.Position
}

// reset empties the ring, at a position. It skips a number, so that streams that had
// every message are behind too.
func (r *ring) reset(at lsapi.Position) {
	r.first += int64(len(r.messages)) + 1
	r.messages, r.size = nil, 0
	r.floor, r.tail = at, at
}

// add adds messages, up to the position tail, and drops the oldest.
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
	clear(r.messages[:dropped]) // the backing array lives until the next append grows it
	r.messages = r.messages[dropped:]
}

// end is the number of the next message.
func (r *ring) end() int64 { return r.first + int64(len(r.messages)) }

// find returns the number of the first message after a cursor. It returns false if the
// cursor is outside of the ring.
func (r *ring) find(c Cursor) (int64, bool) {
	if r.floor.After(c.after) || c.after.After(r.tail) {
		return 0, false
	}
	i := sort.Search(len(r.messages), func(i int) bool { return r.messages[i].position.After(c.after) })
	skip := 0
	for skip < c.messages && i+skip < len(r.messages) && r.messages[i+skip].position == r.messages[i].position {
		skip++
	}
	return r.first + int64(i+skip), skip == c.messages
}
