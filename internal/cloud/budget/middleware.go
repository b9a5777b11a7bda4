package budget

import (
	"context"
	"fmt"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// AddTo makes every attempt of a call take a token. It is an API option of the SDK
// (config.WithAPIOptions). Of several options that insert directly after the SDK's
// "Retry", the last is the outermost: pass AddTo last, so that the others run after the
// wait for the token.
func (b *Budget) AddTo(stack *middleware.Stack) error {
	categorize := middleware.InitializeMiddlewareFunc("lsapi:BudgetCategory", categorize)
	if err := stack.Initialize.Add(categorize, middleware.After); err != nil {
		return fmt.Errorf("add the budget: %w", err)
	}
	// Inside the retry loop, so that retries take tokens, and before the signing, so that
	// no signature expires in the queue.
	attempt := middleware.FinalizeMiddlewareFunc("lsapi:Budget", b.attempt)
	if err := stack.Finalize.Insert(attempt, "Retry", middleware.After); err != nil {
		return fmt.Errorf("add the budget: %w", err)
	}
	return nil
}

// categorize stores the category, which depends on the input that later steps do not have.
// It is a stack value: the SDK drops those when a call makes another call, for example for
// credentials.
func categorize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	category, ok := CategoryOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), in.Parameters)
	if ok {
		ctx = middleware.WithStackValue(ctx, categoryKey{}, category)
	}
	return next.HandleInitialize(ctx, in)
}

type categoryKey struct{}

// attempt takes a token for an attempt, and waits for it.
func (b *Budget) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	category, _ := middleware.GetStackValue(ctx, categoryKey{}).(Category)
	bucket, limited := b.buckets[category]
	if !limited {
		return next.HandleFinalize(ctx, in)
	}
	if err := bucket.take(ctx); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	out, metadata, err := next.HandleFinalize(ctx, in)
	if isThrottled(err) {
		bucket.empty()
	}
	return out, metadata, err
}

// isThrottled reports whether the account's bucket is empty. Classic ELB's
// DependencyThrottle does not count: it is about a service behind Classic ELB.
func isThrottled(err error) bool {
	return err != nil && retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}
