// Package account holds what the services of the emulated AWS account share: ids,
// availability zones, tags, and the moment that a read shows.
package account

import (
	"math/rand/v2"
	"strings"
	"time"
)

// The account has one network, with a subnet in each availability zone.
const (
	ID              = "123456789012"
	UserARN         = "arn:aws:iam::" + ID + ":user/emulator"
	UserID          = "AIDAEMULATOR000000000"
	VPCID           = "vpc-0a1b2c3d4e5f60718"
	SecurityGroupID = "sg-0a1b2c3d4e5f60718" // the default one
	// ZoneLetters are the last letters of the availability zones of every region.
	ZoneLetters = "abcdef"

	subnetPrefix = "subnet-0000000000000000"
)

// SecurityGroup is a group of rules for network traffic. The emulator filters none.
type SecurityGroup struct{ ID, Name, Description string }

// SecurityGroups returns the groups of the account's network.
func SecurityGroups() []SecurityGroup {
	return []SecurityGroup{
		{SecurityGroupID, "default", "default VPC security group"},
		{"sg-0a1b2c3d4e5f60719", "web", "HTTP from everywhere"},
	}
}

// SecurityGroupName returns the name of a security group, "" for an unknown one.
func SecurityGroupName(id string) string {
	for _, g := range SecurityGroups() {
		if g.ID == id {
			return g.Name
		}
	}
	return ""
}

// SubnetOf returns the id of a zone's subnet. It ends in the zone's letter:
// subnet-0000000000000000a is in us-east-1a.
func SubnetOf(zone string) string { return subnetPrefix + zone[len(zone)-1:] }

// Account is the emulated account in one region. It is not safe for concurrent use.
type Account struct {
	Region string
	// Lag is the longest time by which a read trails the writes before it.
	Lag     time.Duration
	random  *rand.Rand
	history []MembershipChange // oldest first
}

// New returns an account. The seed determines all that is pseudo-random.
func New(region string, lag time.Duration, seed uint64) *Account {
	return &Account{Region: region, Lag: lag, random: rand.New(rand.NewPCG(seed, 1))}
}

// Random returns a pseudo-random number.
func (a *Account) Random() uint64 { return a.random.Uint64() }

// ZoneOf returns a subnet's zone, and false for an unknown subnet.
func (a *Account) ZoneOf(subnet string) (zone string, ok bool) {
	letter, ok := strings.CutPrefix(subnet, subnetPrefix)
	zone = a.Region + letter
	return zone, ok && a.HasZone(zone)
}

// HasZone reports whether the region has the availability zone.
func (a *Account) HasZone(zone string) bool {
	letter, ok := strings.CutPrefix(zone, a.Region)
	return ok && IsZoneLetter(letter)
}

// IsZoneLetter reports whether every region has a zone with this letter.
func IsZoneLetter(letter string) bool {
	return len(letter) == 1 && strings.Contains(ZoneLetters, letter)
}
