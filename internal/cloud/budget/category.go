package budget

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
)

// Category is a group of AWS operations that draw from one bucket.
type Category string

// The categories.
const (
	ELBRead     Category = "elb-read"     // Classic ELB, Describe*
	ELBWrite    Category = "elb-write"    // Classic ELB, everything else
	EC2Filtered Category = "ec2-filtered" // EC2 reads with a filter or by pages
	EC2Plain    Category = "ec2-plain"    // all other calls of EC2
)

// CategoryOf returns the category of an operation of the service with the SDK's
// ServiceID; input is the operation's input as the SDK's client takes it. It is
// false for services whose requests lsapi does not count, such as STS, which
// the SDK asks for credentials of its own accord.
//
// AWS has a bucket per EC2 operation; lsapi reads one of them and changes
// nothing in EC2, so that an operation not thought of here falls into the
// smaller of the two.
func CategoryOf(service, operation string, input any) (Category, bool) {
	switch {
	case service == elb.ServiceID && strings.HasPrefix(operation, "Describe"):
		return ELBRead, true
	case service == elb.ServiceID:
		return ELBWrite, true
	case service == ec2.ServiceID && narrowed(input):
		return EC2Filtered, true
	case service == ec2.ServiceID:
		return EC2Plain, true
	}
	return "", false
}

// narrowed reports whether a lookup of instances is filtered or paginated, which
// EC2 grants more of. One by ids alone is neither.
func narrowed(input any) bool {
	describe, ok := input.(*ec2.DescribeInstancesInput)
	return ok && (len(describe.Filters) > 0 || describe.MaxResults != nil)
}
