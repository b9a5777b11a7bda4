package app

import (
	"context"
	"iter"
	"maps"

	"lsapi"
)

// adapter is the adapter of a kind of pool.
type adapter interface {
	Probe(ctx context.Context) error
	Pools(ctx context.Context) iter.Seq2[[]lsapi.Pool, error]
	Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error)
	Health(ctx context.Context, pool lsapi.PoolID) (read lsapi.PoolRead, whole bool, err error)
	Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (awsRequestID string, err error)
	Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (awsRequestID string, err error)
	Attributes(ctx context.Context, pool lsapi.PoolID) (lsapi.Attributes, error)
	Tags(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error)
	Routes(ctx context.Context, pool lsapi.PoolID) ([]lsapi.Route, error)
}

// kinds passes each call to the adapter of the pool's kind.
type kinds map[lsapi.Kind]adapter

func (k kinds) of(pool lsapi.PoolID) adapter { return k[pool.Kind] }

// Pools lists the pools of a kind.
func (k kinds) Pools(ctx context.Context, kind lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return k[kind].Pools(ctx)
}

func (k kinds) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	return k.of(pool).Members(ctx, pool)
}

// Health returns the health of a pool's members, and of those that drain as far as AWS lists
// them.
func (k kinds) Health(ctx context.Context, pool lsapi.PoolID) ([]lsapi.MemberHealth, error) {
	read, _, err := k.of(pool).Health(ctx, pool)
	return read.Health, err
}

func (k kinds) Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return k.of(pool).Register(ctx, pool, incarnation, ids, permit)
}

func (k kinds) Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	return k.of(pool).Deregister(ctx, pool, incarnation, ids, permit)
}

func (k kinds) Attributes(ctx context.Context, pool lsapi.PoolID) (lsapi.Attributes, error) {
	return k.of(pool).Attributes(ctx, pool)
}

func (k kinds) Routes(ctx context.Context, pool lsapi.PoolID) ([]lsapi.Route, error) {
	return k.of(pool).Routes(ctx, pool)
}

// Tags returns the tags of pools, which may be of several kinds.
func (k kinds) Tags(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
	byKind := make(map[lsapi.Kind][]lsapi.PoolID)
	for _, pool := range pools {
		byKind[pool.Kind] = append(byKind[pool.Kind], pool)
	}
	all := make(map[lsapi.PoolID]map[string]string, len(pools))
	for kind, some := range byKind {
		tags, err := k[kind].Tags(ctx, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, tags)
	}
	return all, nil
}
