package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lsapi/internal/guard"
)

// parseAmount parses a number of members or a percentage, such as "25%". AWS's tags cannot
// contain a percent sign, so "25 percent" is the same.
func parseAmount(text string) (guard.Amount, error) {
	rate, percent := strings.CutSuffix(text, "%")
	if !percent {
		rate, percent = strings.CutSuffix(text, " percent")
	}
	if !percent {
		return parseCount(text)
	}
	n, err := parseNumber(rate, 100)
	if err != nil {
		return guard.Amount{}, fmt.Errorf("%s is not a percentage from 0%% to 100%%", quote(text))
	}
	return guard.Amount{Rate: n, Percent: true}, nil
}

// parseCount parses a number of members.
func parseCount(text string) (guard.Amount, error) {
	n, err := parseNumber(text, maxCount)
	if err != nil {
		return guard.Amount{}, fmt.Errorf("%s is not a number of members from 0 to %d", quote(text), maxCount)
	}
	return guard.Amount{Count: n}, nil
}

// parseNumber parses decimal digits.
func parseNumber(text string, most int) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31) // accepts neither signs nor underscores
	if err != nil || int(n) > most {
		return 0, errors.New("not a number in the range")
	}
	return int(n), nil
}

// parseTime parses a date, which is its beginning in UTC, or an RFC 3339 time.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is neither a date such as 2026-12-24 nor a time such as 2026-12-24T18:00:00Z", quote(text))
}

// checkPeriod returns an error for a freeze that never holds, or has no bounds.
func checkPeriod(r guard.Rule) error {
	switch {
	case r.From.IsZero() && r.Until.IsZero():
		return errors.New("it has neither from nor until")
	case !r.Until.IsZero() && !r.Until.After(r.From):
		return fmt.Errorf("until, %s, is not after from, %s", r.Until.Format(time.RFC3339), r.From.Format(time.RFC3339))
	}
	return nil
}

// quote quotes the beginning of a text of a file or a tag.
func quote(text string) string {
	if len(text) > maxQuoted {
		return strconv.Quote(strings.ToValidUTF8(text[:maxQuoted], "")) + "..."
	}
	return strconv.Quote(text)
}
