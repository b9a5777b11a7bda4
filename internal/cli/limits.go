package cli

import "time"

const (
	// defaultWait is twice the default limit of a drain in AWS, and of the time that slow
	// health checks take to put a member in service.
	defaultWait = 10 * time.Minute
	// maxAtOnce bounds concurrent changes and waits. It is AWS's default limit of
	// instances per load balancer.
	maxAtOnce = 100

	// completionTimeout bounds the wait after Tab.
	completionTimeout = 2 * time.Second
	maxCompletions    = 500
	// suggestionTimeout bounds the search for a similar name, which delays the error.
	suggestionTimeout = 5 * time.Second
	// namesPage is the API's maximum page size of load balancers.
	namesPage = 1000
	// recentDetaches is the number of detaches searched for instances to attach again.
	recentDetaches = 50
)
