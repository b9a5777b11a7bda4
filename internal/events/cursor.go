package events

import (
	"strconv"
	"strings"

	"lsapi"
)

// Cursor is the position of a stream in the record: after an event, and after some
// messages of the next event. Its text is the id of a server-sent event.
type Cursor struct {
	after    lsapi.Position
	messages int
}

// String returns the cursor's text.
func (c Cursor) String() string {
	text := strconv.FormatInt(c.after.Major, 10) + "-" + strconv.FormatInt(c.after.Minor, 10)
	if c.messages > 0 {
		text += "-" + strconv.Itoa(c.messages)
	}
	return text
}

// ParseCursor parses the text of a cursor. CodeInvalid: it is malformed.
func ParseCursor(text string) (Cursor, error) {
	parts := strings.Split(text, "-")
	if len(parts) < 2 || len(parts) > 3 {
		return Cursor{}, errBadCursor()
	}
	var numbers [3]int64
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n < 0 {
			return Cursor{}, errBadCursor()
		}
		numbers[i] = n
	}
	c := Cursor{lsapi.Position{Major: numbers[0], Minor: numbers[1]}, int(numbers[2])}
	if c.String() != text || c.messages > maxMessagesOfEvent {
		return Cursor{}, errBadCursor()
	}
	return c, nil
}

func errBadCursor() error {
	return lsapi.Errorf(lsapi.CodeInvalid, "Last-Event-ID: must be the id of an event of this stream, unchanged")
}
