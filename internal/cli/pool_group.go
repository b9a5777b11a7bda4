package cli

import (
	"lsapi"
	"lsapi/internal/sanitize"
)

// poolGroup is a group of commands for pools: pool for those of all kinds, elb for Classic
// load balancers, which it calls by their names.
type poolGroup struct {
	p    Process
	name string
	kind lsapi.Kind // empty for all
}

// pools parses the arguments of a command.
func (g poolGroup) pools(arguments []string) ([]lsapi.PoolID, error) {
	pools := make([]lsapi.PoolID, len(arguments))
	for i, text := range arguments {
		pool, ok := parsePool(text)
		switch {
		case ok:
			pools[i] = pool
		case g.kind == lsapi.KindELB:
			return nil, checkName(text)
		default:
			return nil, usagef("%s is not the id of a pool, such as elb/web-elb", sanitize.Escape(text))
		}
	}
	return pools, nil
}
