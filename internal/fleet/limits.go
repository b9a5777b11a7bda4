package fleet

import "time"

// The bounds of showing and waiting, each with its reason.
const (
	// settingsLifetime is how long attributes and tags are taken for true: people
	// change them, seldom, and look after a minute or two whether it helped.
	settingsLifetime = 2 * time.Minute

	// factsLifetime is the same for what EC2 says of instances that no list has the
	// facts of. Whoever waits for one learns that it died as soon as that.
	factsLifetime = 2 * time.Second

	// failureLifetime is how long a question that failed is not asked again,
	// however many want to know: a failing AWS is not asked at the rate of readers.
	failureLifetime = 2 * time.Second

	// maxRemembered is how many load balancers, and how many instances, are
	// remembered with their settings or facts: some ten megabytes.
	maxRemembered = 10_000

	// askTimeout bounds a question to AWS for which many wait. It leaves a
	// client's 30 s room.
	askTimeout = 10 * time.Second

	// tagsBatch is how many load balancers DescribeTags takes (AWS's limit), and
	// factsBatch how many instances a filtered DescribeInstances does.
	tagsBatch  = 20
	factsBatch = 200

	// patience is how long what may be left out of an answer is waited for. AWS
	// answers within tens of milliseconds; when it takes so much longer it is being
	// throttled or failing, and the rest of the answer is worth more at once.
	patience = 3 * time.Second

	// listedHealthAge is how old the health in a list may be: a list of a hundred
	// load balancers is a hundred calls, which are not made for each reader.
	listedHealthAge = 30 * time.Second

	// shownHealthAge is how old the health of what is shown in full may be: one
	// call in so long for each load balancer that people look at.
	shownHealthAge = 5 * time.Second

	// maxPolls is how many load balancers one list asks the health of at once. The
	// bucket of Classic ELB reads holds 40, and grows by 10 a second.
	maxPolls = 8

	// scanned is how many load balancers are looked at in one go for those that a
	// filter of tags or health lets through: five calls for their tags.
	scanned = 100

	// lookEvery is how often one who waits looks at the membership, in memory, when
	// there is no report of health to wait for; and tries again after a failure.
	lookEvery = time.Second
)
