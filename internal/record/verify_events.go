package record

import (
	"context"
	"fmt"

	"lsapi"
)

// eventPage is a part of a log, of at most page events.
type eventPage struct {
	log      int // its index among the logs
	pool     lsapi.PoolID
	from, to int64

	rows     []EventRow
	payloads []*payload // nil for an event whose hash is wrong
	checked  chan struct{}
}

func pagesOf(logs []LogRow) []*eventPage {
	var pages []*eventPage
	for i, log := range logs {
		for from := log.First; from <= log.Last; from += page {
			pages = append(pages, &eventPage{
				log: i, pool: log.Pool, from: from, to: min(from+page-1, log.Last), checked: make(chan struct{}),
			})
		}
	}
	return pages
}

func (p *eventPage) check(ctx context.Context, view Tables) error {
	rows, err := view.Events(ctx, p.pool, p.from, int(p.to-p.from)+1)
	if err != nil {
		return err
	}
	for len(rows) > 0 && rows[len(rows)-1].Seq > p.to {
		rows = rows[:len(rows)-1] // some are missing, and these are the next page's
	}
	p.rows, p.payloads = rows, make([]*payload, len(rows))
	for i, row := range rows {
		if row.Prev.then(row.Payload) != row.Hash {
			continue
		}
		if decoded, err := decode(row.Payload); err == nil {
			p.payloads[i] = decoded
		}
	}
	close(p.checked)
	return nil
}

// add adds an event of the page to a fold, and returns what is wrong with it.
func (p *eventPage) add(f *fold, i int) *Breach {
	row, decoded := p.rows[i], p.payloads[i]
	why := "its content is not what was hashed"
	if decoded != nil {
		why = f.add(row, decoded)
	}
	if why == "" {
		return nil
	}
	return &Breach{Pool: p.pool, Seq: row.Seq, ChangeID: row.ChangeID, Why: fmt.Sprintf("event %d: %s", row.Seq, why)}
}
