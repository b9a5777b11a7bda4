package fleet

import (
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/elbv2"
)

// Apply adds a valid fleet to empty services, as of now.
func (f Fleet) Apply(a *account.Account, instances *ec2.Service, balancers *elb.Service, v2 *elbv2.Service, now time.Time) {
	epoch := now.Add(-a.Lag) // every read shows this moment
	registering := map[string]bool{}
	for _, i := range f.Instances {
		instances.Add(i.settings(a.Region, epoch))
		registering[i.ID] = i.RegistrationDelay > 0
	}
	for _, b := range f.LoadBalancers {
		settings := b.settings(a.Region)
		for _, id := range b.Members {
			member := elb.Member{InstanceID: id}
			if registering[id] {
				member.Since = now
			}
			settings.Members = append(settings.Members, member)
		}
		balancers.Add(settings)
	}
	f.addV2(v2, a.Region, now, func(string, error) {}) // a valid fleet has no problems
}
