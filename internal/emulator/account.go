package emulator

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// The account that everything belongs to. It has one network, with a subnet in
// each availability zone.
const (
	// AccountID is the account's number.
	AccountID = "123456789012"
	// VPCID is the one network, in which every instance and load balancer is.
	VPCID = "vpc-0a1b2c3d4e5f60718"
	// SecurityGroupID is the network's default security group.
	SecurityGroupID = "sg-0a1b2c3d4e5f60718"
	// ImageID is what the fleet's instances were started from.
	ImageID = "ami-0a1b2c3d4e5f60718"

	securityGroupName = "default"
	userARN           = "arn:aws:iam::" + AccountID + ":user/emulator"
	userID            = "AIDAEMULATOR000000000"
	hostedZoneID      = "Z35SXDOTRQ7X7K" // of Classic load balancers in us-east-1
	zoneLetters       = "abcdef"
	subnetPrefix      = "subnet-0000000000000000"
)

// subnetOf returns the id of a zone's subnet: its last digit is the zone's
// letter, so that us-east-1a has subnet-0000000000000000a.
func subnetOf(zone string) string { return subnetPrefix + zone[len(zone)-1:] }

// zoneOf returns the zone that a subnet is in, and false for a subnet that the
// account does not have.
func (w *world) zoneOf(subnet string) (zone string, ok bool) {
	letter, ok := strings.CutPrefix(subnet, subnetPrefix)
	zone = w.region + letter
	return zone, ok && w.hasZone(zone)
}

// hasZone reports whether the region has such an availability zone.
func (w *world) hasZone(zone string) bool {
	letter, ok := strings.CutPrefix(zone, w.region)
	return ok && len(letter) == 1 && strings.Contains(zoneLetters, letter)
}

// dnsName returns a load balancer's DNS name, the same in every run.
func (w *world) dnsName(name, scheme string) string {
	hash := fnv.New32a()
	hash.Write([]byte(name)) // never fails, by hash.Hash's contract
	prefix := ""
	if scheme == schemeInternal {
		prefix = "internal-"
	}
	return fmt.Sprintf("%s%s-%010d.%s.elb.amazonaws.com", prefix, name, hash.Sum32(), w.region)
}

// privateIP and publicIP are the addresses of the n-th instance; the public
// ones are in the network that is set aside for benchmarks (RFC 2544).
func privateIP(n uint64) string { return fmt.Sprintf("10.%d.%d.%d", byte(n>>16), byte(n>>8), byte(n)) }
func publicIP(n uint64) string {
	return fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, byte(n>>8), byte(n))
}
