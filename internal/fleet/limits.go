package fleet

import "time"

const (
	// settingsLifetime is how long attributes and tags are cached. They change seldom, and
	// people look a minute or two after a change. Guards in tags are as old at most.
	settingsLifetime = 2 * time.Minute

	// The tags of pools whose guards were needed within tagsWanted are refreshed at half of
	// their lifetime, by a check every tagsEvery. So changes seldom wait for them, and AWS may
	// throttle for half a minute.
	tagsWanted = 15 * time.Minute
	tagsEvery  = 30 * time.Second

	// instancesLifetime is how long EC2's description of an instance is cached. It bounds
	// how late a wait notices that its instance is terminated.
	instancesLifetime = 2 * time.Second

	// failureLifetime is how long a failure is cached, so that a failing AWS gets no
	// request for each reader.
	failureLifetime = 2 * time.Second

	// Headrooms of at most maxHeadrooms pools are computed every headroomEvery, from health of
	// at most knownHealthAge: that of a target group which is not read is minutes old.
	headroomEvery  = 15 * time.Second
	maxHeadrooms   = 200
	knownHealthAge = 10 * time.Minute

	// maxCached bounds each cache: some ten megabytes in all.
	maxCached = 10_000

	// fetchTimeout bounds a shared fetch from AWS, within a client's 30 s.
	fetchTimeout = 10 * time.Second

	// maxFetches bounds the concurrent fetches of a cache: half of what the bucket of
	// Classic ELB reads holds.
	maxFetches = 20

	// tagsBatch is AWS's limit for DescribeTags, instancesBatch that for a filtered
	// DescribeInstances.
	tagsBatch      = 20
	instancesBatch = 200

	// partTimeout is how long an answer waits for its optional parts. AWS answers within
	// tens of milliseconds; if it takes this long it is throttling or failing.
	partTimeout = 3 * time.Second

	// listedHealthAge is the greatest age of health in a list. A list of a hundred Classic
	// load balancers costs a hundred calls.
	listedHealthAge = 30 * time.Second

	// shownHealthAge is the greatest age of health of a single pool, which costs a call.
	shownHealthAge = 5 * time.Second

	// maxPolls bounds the concurrent health polls of a list. The bucket of Classic ELB
	// reads holds 40, and gains 10 a second.
	maxPolls = 8

	// filterBatch is how many pools are filtered by tags or health at once: five calls
	// for their tags.
	filterBatch = 100

	// checkEvery is the interval at which a wait without a health report checks the
	// membership, which is in memory, and retries after a failure.
	checkEvery = time.Second
)
