package membership

import (
	"context"
	"errors"
	"strings"

	"lsapi"
	"lsapi/internal/guard"
)

// Guards has the rules of pools.
type Guards interface {
	// Rules returns the rules of a pool. With CodeTagsUnknown, it returns those that do not
	// depend on the pool's tags.
	Rules(ctx context.Context, pool lsapi.PoolID) ([]guard.Rule, error)
}

// noGuards has no rules.
type noGuards struct{}

func (noGuards) Rules(context.Context, lsapi.PoolID) ([]guard.Rule, error) { return nil, nil }

// ruleOf returns the rule that refuses a change, for the record.
func ruleOf(refusal *lsapi.Error) string {
	if by, ok := errors.AsType[*lsapi.GuardRefusal](refusal); ok {
		return by.Rule
	}
	if refusal.Code == lsapi.CodeTagsUnknown {
		return "tagsUnknown"
	}
	return "healthUnknown"
}

// kindOf returns the kind of a rule on record.
func kindOf(rule string) string {
	kind, _, _ := strings.Cut(rule, " ")
	return kind
}
