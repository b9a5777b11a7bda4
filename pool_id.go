package lsapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of pool.
type Kind string

// The kinds.
const (
	KindELB Kind = "elb" // Classic load balancers
	KindTG  Kind = "tg"  // target groups of ALBs and NLBs
)

func (k Kind) noun() string {
	if k == KindTG {
		return "target group"
	}
	return "load balancer"
}

// IsKnown reports whether k is one of the kinds.
func (k Kind) IsKnown() bool { return k == KindELB || k == KindTG }

// DefaultScope is the name of the first AWS account and region that lsapi manages.
const DefaultScope = "default"

// PoolID identifies a pool. PoolIDs are comparable; the zero PoolID identifies none.
type PoolID struct {
	// Scope is the name of an AWS account and region.
	Scope string
	Kind  Kind
	// Name is AWS's.
	Name string
}

// ELB returns the id of a Classic load balancer of the default scope.
func ELB(name string) PoolID { return PoolID{Scope: DefaultScope, Kind: KindELB, Name: name} }

// TG returns the id of a target group of the default scope.
func TG(name string) PoolID { return PoolID{Scope: DefaultScope, Kind: KindTG, Name: name} }

// ParsePoolID parses what String returns. A name is accepted if it can name a pool of its
// kind.
func ParsePoolID(text string) (PoolID, bool) {
	scope, path, _ := strings.Cut(text, "/")
	id, ok := ParsePoolPath(path)
	id.Scope = scope
	if !ok || scope == "" {
		return PoolID{}, false
	}
	return id, true
}

// ParsePoolPath parses what Path returns, as the id of a pool of the default scope.
func ParsePoolPath(path string) (PoolID, bool) {
	kind, name, _ := strings.Cut(path, "/")
	if !Kind(kind).IsKnown() || !ValidPoolName(name) {
		return PoolID{}, false
	}
	return PoolID{Scope: DefaultScope, Kind: Kind(kind), Name: name}, true
}

// String returns the id as the record and logs have it, such as
// "default/elb/web". Empty for the zero PoolID.
func (p PoolID) String() string {
	if p.IsZero() {
		return ""
	}
	return p.Scope + "/" + p.Path()
}

// IsZero reports whether p identifies no pool.
func (p PoolID) IsZero() bool { return p == PoolID{} }

// Path returns the id within its scope, as the HTTP API has it, such as "elb/web".
func (p PoolID) Path() string { return string(p.Kind) + "/" + p.Name }

// Title returns the pool in words, such as "load balancer web".
func (p PoolID) Title() string { return p.Kind.noun() + " " + p.Name }

// Named returns a pool that may not exist in words, such as "load balancer named web".
func (p PoolID) Named() string { return p.Kind.noun() + " named " + p.Name }

// Compare orders ids by scope, kind and name.
func (p PoolID) Compare(q PoolID) int {
	return cmp.Or(cmp.Compare(p.Scope, q.Scope), cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Name, q.Name))
}

// MarshalText returns String.
func (p PoolID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText parses what String returns, without a look at the name: names that AWS
// has returned are valid. CodeInvalid for another text.
func (p *PoolID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = PoolID{}
		return nil
	}
	parts := strings.SplitN(string(text), "/", 3)
	if len(parts) != 3 || slices.Contains(parts, "") {
		return &Error{Code: CodeInvalid, Message: strconv.Quote(string(text)) + " is not the id of a pool, such as default/elb/web"}
	}
	*p = PoolID{Scope: parts[0], Kind: Kind(parts[1]), Name: parts[2]}
	return nil
}

// ValidPoolName reports whether AWS would accept name for a pool of either kind: 1 to 32
// letters, digits and hyphens, no hyphen at either end.
func ValidPoolName(name string) bool {
	if len(name) < 1 || len(name) > 32 || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
