package cloud

import (
	"context"
	"time"

	"lsapi"
)

// permissionTimeout bounds each call of Try, retries included.
const permissionTimeout = 10 * time.Second

// Permission is a permission that lsapi needs, and the result of a call that needs it.
type Permission struct {
	// Action is the name in a policy, such as "ec2:DescribeInstances".
	Action string
	// Err is nil if the call is allowed. CodeForbidden: AWS denies it. With any other error
	// the permission is unknown.
	Err error
}

// Try makes a call that needs a permission and changes nothing. CodeNotFound and
// CodeInvalid show that it is allowed: AWS checks the permission first.
func Try[In, Out, Options any](ctx context.Context, action string, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) Permission {
	ctx, cancel := context.WithTimeout(ctx, permissionTimeout)
	defer cancel()
	_, err := call(ctx, in)
	if err == nil {
		return Permission{Action: action}
	}
	result := Coded(ctx, err)
	if result.Code == lsapi.CodeNotFound || result.Code == lsapi.CodeInvalid {
		return Permission{Action: action}
	}
	return Permission{Action: action, Err: result}
}
