package cli

import (
	"errors"
	"time"
	"unicode/utf8"

	"lsapi/client"

	"github.com/spf13/pflag"

	"lsapi"
	"lsapi/internal/record"
)

// listPage is the page size.
const listPage = 1000

type changesFlags struct {
	filter   lsapi.ChangeFilter
	pool     string
	bulk     string
	instance string
	from, to string
	follow   bool
}

// addFilters adds the filters that the record and the API share.
func (f *changesFlags) addFilters(flags *pflag.FlagSet) {
	flags.StringVar(&f.instance, "instance", "", "only of the instance with this `id`")
	flags.StringVar(&f.filter.Actor, "actor", "", "only by this `user`")
	choiceVarP(flags, &f.filter.Action, "action", "", "", "attach or detach", lsapi.Attach, lsapi.Detach)
	choiceVarP(flags, &f.filter.Outcome, "outcome", "", "", orList(outcomes), outcomes...)
	flags.StringVar(&f.bulk, "bulk", "", "only of the bulk with this `id`")
	flags.StringVar(&f.from, "from", "", "requested at this `time` or later")
	flags.StringVar(&f.to, "to", "", "requested before this `time`")
	flags.IntVar(&f.filter.Limit, "limit", 100, "maximum `number`; 0 for all")
}

// outcomes are the values of --outcome.
var outcomes = []lsapi.Outcome{
	lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, lsapi.OutcomeFailed,
	lsapi.OutcomeWithdrawn, lsapi.OutcomeUnknown, lsapi.OutcomeOpen,
}

// parse validates the flags and sets the filter.
func (f *changesFlags) parse(now time.Time) error {
	if f.follow && f.filter.Outcome == lsapi.OutcomeOpen {
		return usagef("--follow lists changes when they have an outcome: not with --outcome open")
	}
	if f.instance != "" {
		if err := checkInstance(f.instance); err != nil {
			return usagef("--instance: %w", err)
		}
		f.filter.Member = lsapi.InstanceMember(f.instance)
	}
	if !utf8.ValidString(f.filter.Actor) {
		return usagef("--actor is not UTF-8")
	}
	if f.pool != "" {
		pool, ok := parsePool(f.pool)
		if !ok {
			return usagef("--pool: not the id of a pool, such as elb/web-elb")
		}
		f.filter.Pool = pool
	}
	if f.bulk != "" {
		bulk, ok := record.ParseID(f.bulk)
		if !ok {
			return usagef("--bulk: not the id of a bulk, a UUID of version 7")
		}
		f.filter.Bulk = bulk.String()
	}
	if f.filter.Limit < 0 {
		return usagef("--limit cannot be negative")
	}
	return f.parsePeriod(now)
}

// parsePeriod sets the bounds of the filter.
func (f *changesFlags) parsePeriod(now time.Time) (err error) {
	if f.filter.From, err = parseMoment(f.from, now); err != nil {
		return usagef("--from: %w", err)
	}
	if f.filter.To, err = parseMoment(f.to, now); err != nil {
		return usagef("--to: %w", err)
	}
	if !f.filter.From.IsZero() && !f.filter.To.IsZero() && !f.filter.From.Before(f.filter.To) {
		return usagef("--to must be later than --from")
	}
	return nil
}

// query returns the filter for the API.
func (f *changesFlags) query() client.ChangesQuery {
	return client.ChangesQuery{
		Pool: f.filter.Pool, Instance: f.filter.Member.Instance, Actor: f.filter.Actor, Action: f.filter.Action,
		Outcome: f.filter.Outcome, Bulk: f.filter.Bulk, From: f.filter.From, To: f.filter.To,
	}
}

// parseMoment parses a time or an age.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("neither a time such as 2026-11-24T18:00:00Z nor an age such as 2h")
	}
	return at, nil
}
