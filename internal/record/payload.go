package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	quick "github.com/segmentio/encoding/json"

	"lsapi"
)

// payload is an event as it is hashed and stored, in JSON. Stored events are never
// rewritten: a field that gets another name is also read by its former name.
type payload struct {
	Pool       lsapi.PoolID    `json:"pool,omitzero"`
	FormerPool string          `json:"loadBalancer,omitempty"` // the name alone
	Seq        int64           `json:"seq"`
	At         time.Time       `json:"at"`
	Kind       lsapi.EventKind `json:"kind"`
	Change     *changePayload  `json:"change,omitempty"`
	// Added and Removed are the ids of external changes, by member.
	Added   map[lsapi.MemberID]string `json:"added,omitempty"`
	Removed map[lsapi.MemberID]string `json:"removed,omitempty"`
	Since   time.Time                 `json:"since,omitzero"`
	Until   time.Time                 `json:"until,omitzero"`
	// Replaces is whether the incarnation is another than that of the events before.
	Incarnation string `json:"incarnation,omitempty"`
	Replaces    bool   `json:"replaces,omitempty"`
	// Health and Drained are a health event's. In a checkpoint Health is complete, but
	// absent from checkpoints of older versions.
	Health  []HealthPayload  `json:"health,omitzero"`
	Drained []lsapi.MemberID `json:"drained,omitempty"`
	// Members are absent from a checkpoint of an unknown membership.
	Members Members `json:"members,omitzero"`
	// Open are a checkpoint's open changes.
	Open []changePayload `json:"open,omitempty"`
}

// changePayload is a change in an event. A completing event omits what its intent has.
type changePayload struct {
	ID            string              `json:"id"`
	Seq           int64               `json:"seq,omitempty"` // of the event that began it; only in a checkpoint
	Action        lsapi.Action        `json:"action"`
	Member        lsapi.MemberID      `json:"member,omitzero"`
	FormerMember  lsapi.MemberID      `json:"instance,omitzero"`
	Actor         string              `json:"actor,omitempty"`
	Reason        string              `json:"reason,omitempty"`
	RequestID     string              `json:"requestId,omitempty"`
	Deadline      time.Time           `json:"deadline,omitzero"`
	Outcome       lsapi.Outcome       `json:"outcome,omitempty"`
	Code          string              `json:"code,omitempty"`
	Resolution    lsapi.Resolution    `json:"resolution,omitempty"`
	AWSRequestID  string              `json:"awsRequestId,omitempty"`
	MembersBefore *int                `json:"membersBefore,omitempty"`
	MembersAfter  *int                `json:"membersAfter,omitempty"`
	InstanceType  string              `json:"instanceType,omitempty"`
	LaunchTime    time.Time           `json:"launchTime,omitzero"`
	State         lsapi.InstanceState `json:"instanceState,omitempty"`
	Bulk          string              `json:"bulk,omitempty"`
	Undoes        string              `json:"undoes,omitempty"`
	IfMatch       string              `json:"ifMatch,omitempty"`
	Guard         guardPayload        `json:"guard,omitzero"`
}

// guardPayload is a guard's verdict. The rule of none is empty.
type guardPayload struct {
	Rule       string `json:"rule"`
	Overridden bool   `json:"overridden,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

func newGuardPayload(v *lsapi.GuardVerdict) guardPayload {
	if v == nil {
		return guardPayload{}
	}
	return guardPayload{Rule: Clean(v.Rule), Overridden: v.Overridden, Reason: Clean(v.Reason)}
}

func newChangePayload(c lsapi.Change) changePayload {
	return changePayload{
		ID: c.ID, Action: c.Action, Member: c.Member, Actor: Clean(c.Actor), Reason: Clean(c.Reason),
		RequestID: Clean(c.RequestID), Deadline: Exact(c.Deadline), Outcome: c.Outcome, Code: Clean(c.Code),
		Resolution: c.Resolution, AWSRequestID: Clean(c.AWSRequestID), MembersBefore: c.MembersBefore,
		MembersAfter: c.MembersAfter, InstanceType: c.Instance.Type, LaunchTime: Exact(c.Instance.LaunchTime),
		State: c.Instance.State, Bulk: c.Bulk, Undoes: c.Undoes, IfMatch: Clean(c.IfMatch), Guard: newGuardPayload(c.Guard),
	}
}

func (c *changePayload) without(before changePayload) {
	drop(&c.Actor, before.Actor)
	drop(&c.Reason, before.Reason)
	drop(&c.RequestID, before.RequestID)
	drop(&c.Deadline, before.Deadline)
	drop(&c.InstanceType, before.InstanceType)
	drop(&c.LaunchTime, before.LaunchTime)
	drop(&c.State, before.State)
	drop(&c.Bulk, before.Bulk)
	drop(&c.Undoes, before.Undoes)
	drop(&c.IfMatch, before.IfMatch)
	drop(&c.Guard, before.Guard)
	if c.MembersBefore != nil && before.MembersBefore != nil && *c.MembersBefore == *before.MembersBefore {
		c.MembersBefore = nil
	}
}

func (c *changePayload) with(before changePayload) {
	fill(&c.Actor, before.Actor)
	fill(&c.Reason, before.Reason)
	fill(&c.RequestID, before.RequestID)
	fill(&c.Deadline, before.Deadline)
	fill(&c.InstanceType, before.InstanceType)
	fill(&c.LaunchTime, before.LaunchTime)
	fill(&c.State, before.State)
	fill(&c.Bulk, before.Bulk)
	fill(&c.Undoes, before.Undoes)
	fill(&c.IfMatch, before.IfMatch)
	fill(&c.Guard, before.Guard)
	fill(&c.MembersBefore, before.MembersBefore)
	fill(&c.MembersAfter, before.MembersAfter)
}

func drop[T comparable](field *T, known T) {
	if *field == known {
		*field = *new(T)
	}
}

func fill[T comparable](field *T, known T) {
	if *field == *new(T) {
		*field = known
	}
}

// HealthPayload is a member's health, as events and replicas' reports encode it.
type HealthPayload struct {
	Member       lsapi.MemberID    `json:"member,omitzero"`
	FormerMember lsapi.MemberID    `json:"instance,omitzero"`
	State        lsapi.HealthState `json:"state"`
	AWSState     string            `json:"awsState,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Description  string            `json:"description,omitempty"`
	Draining     bool              `json:"draining,omitempty"`
	// Seq and Since are of the event that recorded it; only in a checkpoint.
	Seq   int64     `json:"seq,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

// NewHealthPayload returns the payload of a member's health.
func NewHealthPayload(h lsapi.MemberHealth) HealthPayload {
	return HealthPayload{
		Member: h.Member, State: h.State, AWSState: Clean(h.AWSState), Reason: Clean(h.Reason), Description: Clean(h.Description), Draining: h.Draining,
	}
}

// MemberHealth returns the health of the payload.
func (h HealthPayload) MemberHealth() lsapi.MemberHealth {
	return lsapi.MemberHealth{
		Member: h.Member, State: h.State, AWSState: h.AWSState, Reason: h.Reason, Description: h.Description, Draining: h.Draining,
	}
}

// healths returns a checkpoint's health, nil if it has none.
func (p *payload) healths() Healths {
	if p.Health == nil {
		return nil
	}
	healths := make(Healths, len(p.Health))
	for _, h := range p.Health {
		healths[h.Member] = HealthRow{MemberHealth: h.MemberHealth(), Seq: h.Seq, Since: h.Since}
	}
	return healths
}

func (p *payload) setHealths(healths Healths) {
	p.Health = make([]HealthPayload, 0, len(healths))
	for _, member := range slices.SortedFunc(maps.Keys(healths), lsapi.MemberID.Compare) {
		h := NewHealthPayload(healths[member].MemberHealth)
		h.Seq, h.Since = healths[member].Seq, healths[member].Since
		p.Health = append(p.Health, h)
	}
}

func (p *payload) changeID() string {
	if p.Change == nil {
		return ""
	}
	return p.Change.ID
}

func (p *payload) change(c changePayload) lsapi.Change {
	id, _ := ParseID(c.ID) // appended events have valid ids, and Verify checks them
	return lsapi.Change{
		ID: c.ID, Actor: c.Actor, Action: c.Action, Pool: p.Pool, Member: c.Member,
		Reason: c.Reason, RequestID: c.RequestID, Source: lsapi.SourceLSAPI, IntendedAt: IntendedAt(id),
		Deadline: c.Deadline, Outcome: c.Outcome, Code: c.Code, Resolution: c.Resolution, AWSRequestID: c.AWSRequestID,
		MembersBefore: c.MembersBefore, MembersAfter: c.MembersAfter,
		Instance: lsapi.Instance{ID: c.Member.Instance, Type: c.InstanceType, LaunchTime: c.LaunchTime, State: c.State},
		Bulk:     c.Bulk, Undoes: c.Undoes, IfMatch: c.IfMatch, Guard: Verdict(lsapi.GuardVerdict(c.Guard)),
	}
}

func (p *payload) open() map[string]ChangeRow {
	open := make(map[string]ChangeRow, len(p.Open))
	for _, c := range p.Open {
		open[c.ID] = ChangeRow{Change: p.change(c), Begun: c.Seq}
	}
	return open
}

// event is the appended event. Its change may lack what an earlier event has.
func (p *payload) event() lsapi.Event {
	event := lsapi.Event{Kind: p.Kind, At: p.At, Since: p.Since, Until: p.Until, Incarnation: p.Incarnation, Drained: p.Drained}
	if p.Change != nil {
		event.Change = p.change(*p.Change)
	}
	event.Added, event.Removed = slices.SortedFunc(maps.Keys(p.Added), lsapi.MemberID.Compare), slices.SortedFunc(maps.Keys(p.Removed), lsapi.MemberID.Compare)
	for _, h := range p.Health {
		event.Health = append(event.Health, h.MemberHealth())
	}
	return event
}

// Clean returns text as JSON and every database keep it.
func Clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

func (p *payload) encode() ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding an event: %w", err)
	}
	return text, nil
}

// renameFormer moves what has a former name.
func (p *payload) renameFormer() {
	if p.FormerPool != "" {
		p.Pool, p.FormerPool = lsapi.ELB(p.FormerPool), ""
	}
	if p.Change != nil {
		p.Change.renameFormer()
	}
	for i := range p.Open {
		p.Open[i].renameFormer()
	}
	for i := range p.Health {
		p.Health[i].renameFormer()
	}
}

func (c *changePayload) renameFormer() {
	fill(&c.Member, c.FormerMember)
	c.FormerMember = lsapi.MemberID{}
}

func (h *HealthPayload) renameFormer() {
	fill(&h.Member, h.FormerMember)
	h.FormerMember = lsapi.MemberID{}
}

// decode takes half the time of encoding/json: decoding is a third of verifying.
func decode(text []byte) (*payload, error) {
	p := new(payload)
	if err := quick.Unmarshal(text, p); err != nil {
		return nil, Damaged("decoding an event", err)
	}
	p.renameFormer()
	return p, nil
}
