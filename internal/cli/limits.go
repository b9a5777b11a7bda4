package cli

import "time"

const (
	// defaultWait is how long a wait takes by default: AWS lets a drain last for five
	// minutes by default, and a member with the slowest of usual health checks comes
	// into service in as long.
	defaultWait = 10 * time.Minute
	// maxAtOnce is how many instances are changed and waited for at once: AWS has no
	// more in a load balancer by default.
	maxAtOnce = 100
	// drawEvery is how often progress is drawn: a person sees it move.
	drawEvery = 150 * time.Millisecond
	// defaultWidth and defaultHeight are a terminal's that does not tell.
	defaultWidth, defaultHeight = 80, 24

	// completionTimeout is how long a person who has pressed Tab waits for names at
	// most.
	completionTimeout = 2 * time.Second
	// maxCompletions is how many names are offered: more help nobody.
	maxCompletions = 500
	// suggestionTimeout is how long is looked for a name that was meant: the message
	// about the one that was given waits for it.
	suggestionTimeout = 5 * time.Second
	// namesPage is how many load balancers are asked for at once, the API's most.
	namesPage = 1000
	// recentDetaches is how many detaches are looked through for instances that may
	// be attached again.
	recentDetaches = 50
)
