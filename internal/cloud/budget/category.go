package budget

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// Category is a group of AWS operations with a common bucket.
type Category string

// The categories.
const (
	ELBRead     Category = "elb-read"     // Classic ELB, Describe*
	ELBWrite    Category = "elb-write"    // Classic ELB, everything else
	ELBV2Read   Category = "elbv2-read"   // ELB version 2, Describe*
	ELBV2Write  Category = "elbv2-write"  // ELB version 2, everything else
	EC2Filtered Category = "ec2-filtered" // EC2 reads with a filter or by pages
	EC2Plain    Category = "ec2-plain"    // all other calls of EC2
)

// CategoryOf returns the category of an operation, for the SDK's ServiceID and the SDK's
// input of the operation. It returns false for services that are not limited, such as STS,
// which the SDK calls for credentials.
//
// AWS has a bucket for each EC2 operation. lsapi calls DescribeInstances only; any other
// operation counts in the smaller bucket.
func CategoryOf(service, operation string, input any) (Category, bool) {
	switch {
	case service == elb.ServiceID && strings.HasPrefix(operation, "Describe"):
		return ELBRead, true
	case service == elb.ServiceID:
		return ELBWrite, true
	case service == elbv2.ServiceID && strings.HasPrefix(operation, "Describe"):
		return ELBV2Read, true
	case service == elbv2.ServiceID:
		return ELBV2Write, true
	case service == ec2.ServiceID && filteredOrPaged(input):
		return EC2Filtered, true
	case service == ec2.ServiceID:
		return EC2Plain, true
	}
	return "", false
}

// filteredOrPaged reports whether a DescribeInstances has a filter or a page size. EC2
// allows more of these; a lookup by ids has neither.
func filteredOrPaged(input any) bool {
	describe, ok := input.(*ec2.DescribeInstancesInput)
	return ok && (len(describe.Filters) > 0 || describe.MaxResults != nil)
}
