package events

import (
	"fmt"
	"strconv"
	"strings"

	"lsapi"
)

// Place is where a stream is in the record: behind an event, and behind so many
// messages of the one that comes next. Its text is the id of a server-sent event.
type Place struct {
	after lsapi.Position
	told  int
}

// String returns the place's text.
func (p Place) String() string {
	text := strconv.FormatInt(p.after.Major, 10) + "-" + strconv.FormatInt(p.after.Minor, 10)
	if p.told > 0 {
		text += "-" + strconv.Itoa(p.told)
	}
	return text
}

// ParsePlace reads the text of a place. CodeInvalid: it is none.
func ParsePlace(text string) (Place, error) {
	parts := strings.Split(text, "-")
	numbers := make([]int64, 3)
	for i, part := range parts {
		if i >= len(numbers) {
			return Place{}, errNoPlace()
		}
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n < 0 || part != strconv.FormatInt(n, 10) {
			return Place{}, errNoPlace()
		}
		numbers[i] = n
	}
	p := Place{lsapi.Position{Major: numbers[0], Minor: numbers[1]}, int(numbers[2])}
	if len(parts) < 2 || p.String() != text || p.told > maxTold {
		return Place{}, errNoPlace()
	}
	return p, nil
}

func errNoPlace() error {
	return lsapi.Errorf(lsapi.CodeInvalid, "Last-Event-ID: must be the id of an event of this stream, unchanged")
}

// message is a server-sent event, ready to be sent.
type message struct {
	loadBalancer string
	position     lsapi.Position // of the event that it tells of
	place        Place          // behind it
	frame        []byte
}

// encode returns the messages of an event that stands behind another.
func (h *Hub) encode(before lsapi.Position, e *lsapi.RecordedEvent) []message {
	bodies := h.o.Encode(e)
	messages := make([]message, len(bodies))
	for i, body := range bodies {
		place := Place{before, i + 1}
		if i == len(bodies)-1 {
			place = Place{after: e.Position}
		}
		messages[i] = message{e.LoadBalancer, e.Position, place, fmt.Appendf(nil, "id: %v\n%s\n", place, body)}
	}
	return messages
}
