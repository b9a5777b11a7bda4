package membership

import (
	"context"

	"lsapi"
)

// AWS is what the use case needs of the cloud. A call returns when its context ends, at
// the latest.
type AWS interface {
	// Members reads the members of a pool; CodeNotFound if there is no such pool.
	Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error)
	// Health reads the health of the members, and of those that drain as far as AWS lists
	// them. It lacks terminated members.
	Health(ctx context.Context, pool lsapi.PoolID) ([]lsapi.MemberHealth, error)
	// Instances returns EC2's description of the instances, by id, without those that are
	// unknown to EC2.
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
	// Register makes the ids members, all or none, and returns AWS's id of the request if
	// there is one. The incarnation is that of the pool which was read: if it names the pool
	// in AWS, a pool made under the name since is not changed (CodeNotFound). CodeInvalid: one
	// of the ids is the reason why none became a member. After an Ambiguous error they may be
	// members, or become members later.
	Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (awsRequestID string, err error)
	// Deregister ends their membership, with Register's errors.
	Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (awsRequestID string, err error)
}
