package health

import (
	"maps"
	"time"
)

// drains are the instances that may be draining, by load balancer, with the latest time
// of a sign that they are.
type drains struct {
	since map[string]map[string]time.Time
	count int
}

// add adds an instance that may be draining since a time.
func (d *drains) add(loadBalancer, instance string, at time.Time) {
	if _, ok := d.since[loadBalancer][instance]; !ok {
		if d.count >= maxDrains {
			d.sweep(time.Now())
		}
		if d.count >= maxDrains {
			return
		}
		d.count++
	}
	if d.since[loadBalancer] == nil {
		d.since[loadBalancer] = make(map[string]time.Time)
	}
	d.since[loadBalancer][instance] = later(d.since[loadBalancer][instance], at)
}

// withInstance returns the load balancers in which an instance may be draining.
func (d *drains) withInstance(instance string, now time.Time) []string {
	var found []string
	for loadBalancer, instances := range d.since {
		if since, ok := instances[instance]; ok && now.Sub(since) <= maxDrain {
			found = append(found, loadBalancer)
		}
	}
	return found
}

// remove removes an instance that is not draining.
func (d *drains) remove(loadBalancer, instance string) {
	if _, ok := d.since[loadBalancer][instance]; !ok {
		return
	}
	d.count--
	delete(d.since[loadBalancer], instance)
	if len(d.since[loadBalancer]) == 0 {
		delete(d.since, loadBalancer)
	}
}

// clear removes an instance that was not draining when a request began, unless a sign
// of its draining is newer.
func (d *drains) clear(loadBalancer, instance string, asked time.Time) {
	if since, ok := d.since[loadBalancer][instance]; ok && !since.After(asked) {
		d.remove(loadBalancer, instance)
	}
}

// of returns the unexpired ones of a load balancer.
func (d *drains) of(loadBalancer string, now time.Time) map[string]time.Time {
	for instance, since := range d.since[loadBalancer] {
		if now.Sub(since) > maxDrain {
			d.remove(loadBalancer, instance)
		}
	}
	return d.since[loadBalancer]
}

// sweep removes all expired ones.
func (d *drains) sweep(now time.Time) {
	for loadBalancer := range maps.Clone(d.since) {
		d.of(loadBalancer, now)
	}
}

// forget removes those of a load balancer.
func (d *drains) forget(loadBalancer string) {
	d.count -= len(d.since[loadBalancer])
	delete(d.since, loadBalancer)
}
