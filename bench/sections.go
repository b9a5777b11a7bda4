package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lsapi/bench/internal/report"
)

// section is a group of rows that are measured together. Rows that were added before
// measure failed are kept.
type section struct {
	name, title string
	measure     func(context.Context, *bench, *report.Section) error
}

// sections returns all sections in the order of measurement. The tests come last, because
// they leave the machine warm.
func sections() []section {
	return []section{
		{"size", "the binary", measureSize},
		{"start", "start and rest", measureStart},
		{"reads", "cached lists with authentication, access log and metrics", measureReads},
		{"original", "what the snapshot buys: AWS takes 50 ms a call", measureOriginal},
		{"readers", "AWS calls over the number of readers, each of which reads a list every 10 s: AWS takes 50 ms a call", measureReaders},
		{"calls", "AWS calls at full read load over 100 load balancers of 20 members", measureCalls},
		{"attach", "500 clients attach 500 instances: AWS takes 50 ms a call and throttles", measureAttach},
		{"scale", "large fleets, load balancers of 100 members each", measureScale},
		{"throttled", "AWS refuses half of all calls, under 2,000 reads/s and 5 writes/s", measureThrottled},
		{"groups", "500 target groups of 20, of which 20 are read, for six minutes: AWS takes 50 ms a call and throttles", measureGroups},
		{"groupreads", "reads of target groups and of instances, beside the cached list of a load balancer", measureGroupReads},
		{"groupattach", "500 clients attach 500 instances to a target group of 500: AWS takes 50 ms a call and throttles", measureGroupAttach},
		{"guarded", "500 clients detach 500 of 510 members of a guarded pool: AWS takes 50 ms a call and throttles", measureGuarded},
		{"groupscale", "10,000 target groups of 10, with a budget to read them all within minutes", measureGroupScale},
		{"record", "the record of changes: clients change 50 load balancers, AWS takes no time", measureRecord},
		{"history", "a record of many changes", measureHistory},
		{"replicas", "replicas that share a record", measureReplicas},
		{"connections", "10,000 idle and 1,000 slow connections", measureConnections},
		{"events", "10,000 open streams of events, and waits for members", measureEvents},
		{"stress", "traffic through load balancers: 12 connections for 30 s, as in the user's stress test", measureStress},
		{"suite", "the tests", measureSuite},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

// choose returns the sections with the comma-separated names, in the order of sections.
// Without names it returns all of them, in a quick run all but the tests.
func choose(names string, quick bool) ([]section, error) {
	if names == "" {
		return slices.DeleteFunc(sections(), func(s section) bool { return quick && s.name == "suite" }), nil
	}
	wanted := strings.Split(names, ",")
	for _, name := range wanted {
		if !slices.Contains(sectionNames(), name) {
			return nil, fmt.Errorf("-rows: there is no %q; there are %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	return slices.DeleteFunc(sections(), func(s section) bool { return !slices.Contains(wanted, s.name) }), nil
}
