package targetgroup

import (
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi"
)

// everyZone is the availability zone of an address that load balancers in every zone serve.
const everyZone = "all"

// memberID returns the id of a target. That of a Lambda function or a load balancer is the
// last part of its ARN, with slashes: "function/NAME", "loadbalancer/app/NAME/ID:80". It
// names no instance, so that it is never looked up or changed.
func memberID(t elbtypes.TargetDescription) lsapi.MemberID {
	id := aws.ToString(t.Id)
	if address, err := netip.ParseAddr(id); err == nil {
		return lsapi.MemberID{Address: address, Port: port(t.Port)}
	}
	if strings.HasPrefix(id, "arn:") {
		parts := strings.SplitN(id, ":", 6)
		id = strings.ReplaceAll(parts[len(parts)-1], ":", "/")
	}
	return lsapi.MemberID{Instance: id, Port: port(t.Port)}
}

// targets returns the targets of members. Those with an address outside the VPC get
// everyZone.
func targets(ids []lsapi.MemberID, isOutside func(netip.Addr) bool) []elbtypes.TargetDescription {
	all := make([]elbtypes.TargetDescription, len(ids))
	for i, id := range ids {
		all[i] = elbtypes.TargetDescription{Id: aws.String(id.Instance), Port: aws.Int32(int32(id.Port))}
		if !id.Address.IsValid() {
			continue
		}
		all[i].Id = aws.String(id.Address.String())
		if isOutside(id.Address) {
			all[i].AvailabilityZone = aws.String(everyZone)
		}
	}
	return all
}
