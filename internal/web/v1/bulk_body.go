package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// maxBulk is the number of members in a request.
const maxBulk = 1000

// bulkBody is the body of a request for many members. Mistakes are in the order of the body.
type bulkBody struct {
	// lists are the members by the name of their field. A list that is absent is nil.
	lists map[string][]lsapi.MemberID
	// reason is nil if it is absent.
	reason *string
	wrong  []apiv1.Detail
}

// parseBulk parses a body that has some lists of members of a pool of a kind, and perhaps a
// reason. The error is that of a body that is not a JSON object; other mistakes are in
// the result, all of them, but of members beyond the maximal number.
func parseBulk(body []byte, kind lsapi.Kind, lists ...string) (*bulkBody, error) {
	fields, err := exchange.ParseObject(body)
	if err != nil {
		return nil, err
	}
	b := &bulkBody{lists: make(map[string][]lsapi.MemberID)}
	members := memberParser{bulkBody: b, kind: kind, first: make(map[lsapi.MemberID]position)}
	given := make(map[string]bool)
	for _, field := range fields {
		isList := slices.Contains(lists, field.Name)
		switch {
		case !isList && field.Name != reasonField:
			b.mistake(clip(field.Name), "there is no such field; there are "+strings.Join(append(slices.Clone(lists), reasonField), ", "))
		case given[field.Name]:
			b.mistake(field.Name, "is there more than once")
		case isList:
			members.parse(field)
		default:
			b.parseReason(field.Value)
		}
		given[field.Name] = true
		if members.count > maxBulk {
			b.mistake("", "there are more than 1,000 members")
			break
		}
		if len(b.wrong) > maxBulk {
			break
		}
	}
	return b, nil
}

// reasonField is the field of the reason.
const reasonField = "reason"

// mistake adds what is wrong with a part of the body, or with all of it if that is empty.
func (b *bulkBody) mistake(part, message string) {
	location := "body"
	if part != "" {
		location += "." + part
	}
	b.wrong = append(b.wrong, apiv1.Detail{Location: location, Message: message})
}

func (b *bulkBody) parseReason(value json.RawMessage) {
	var text *string
	if json.Unmarshal(value, &text) != nil || text == nil {
		b.mistake(reasonField, "expected string")
		return
	}
	clean, wrong := exchange.CleanReason(*text)
	if wrong != "" {
		b.mistake(reasonField, wrong)
	}
	b.reason = &clean
}

// position is the place of a member in a body.
type position struct {
	list  string
	index int
}

func (p position) String() string { return fmt.Sprintf("%s[%d]", p.list, p.index) }

// memberParser parses lists of members, and finds those that are there before.
type memberParser struct {
	*bulkBody
	kind  lsapi.Kind
	count int
	first map[lsapi.MemberID]position
}

// parse parses a list. It reads no more than the maximal number of members and one.
func (p *memberParser) parse(field exchange.Field) {
	if field.Value[0] != '[' {
		p.mistake(field.Name, "expected array")
		return
	}
	list := []lsapi.MemberID{}
	decoder := json.NewDecoder(bytes.NewReader(field.Value))
	_, _ = decoder.Token() // the opening bracket, of a valid array
	for at := (position{list: field.Name}); decoder.More() && p.count <= maxBulk; at.index++ {
		p.count++
		var text any
		_ = decoder.Decode(&text) // valid
		if id, ok := p.member(at, text); ok {
			list = append(list, id)
		}
	}
	p.lists[field.Name] = list
}

// member returns the member at a position, unless it is wrong.
func (p *memberParser) member(at position, value any) (id lsapi.MemberID, ok bool) {
	text, ok := value.(string)
	if !ok {
		p.mistake(at.String(), "expected string")
		return id, false
	}
	id, err := lsapi.ParseMember(p.kind, text)
	if err != nil {
		p.mistake(at.String(), lsapi.AsError(err).Message)
		return id, false
	}
	before, found := p.first[id]
	switch {
	case !found:
		p.first[id] = at
		return id, true
	case before.list == at.list:
		p.mistake(at.String(), "is the same member as "+before.String())
	default:
		p.mistake(at.String(), "contradicts "+before.String()+", the same member")
	}
	return id, false
}
