package health

import (
	"maps"
	"time"
)

// drains are the instances that may be being drained, by load balancer, and when
// it was last told that they are.
type drains struct {
	known map[string]map[string]time.Time
	count int
}

// add remembers that an instance may be drained from then on.
func (d *drains) add(loadBalancer, instance string, at time.Time) {
	if _, ok := d.known[loadBalancer][instance]; !ok {
		if d.count >= maxDrains {
			d.sweep(time.Now())
		}
		if d.count >= maxDrains {
			return
		}
		d.count++
	}
	if d.known[loadBalancer] == nil {
		d.known[loadBalancer] = make(map[string]time.Time)
	}
	d.known[loadBalancer][instance] = later(d.known[loadBalancer][instance], at)
}

// remove forgets an instance that is certainly not drained.
func (d *drains) remove(loadBalancer, instance string) {
	if _, ok := d.known[loadBalancer][instance]; !ok {
		return
	}
	d.count--
	delete(d.known[loadBalancer], instance)
	if len(d.known[loadBalancer]) == 0 {
		delete(d.known, loadBalancer)
	}
}

// deny forgets an instance that was not drained when the asking began, unless it
// was told later that it is.
func (d *drains) deny(loadBalancer, instance string, asked time.Time) {
	if told, ok := d.known[loadBalancer][instance]; ok && !told.After(asked) {
		d.remove(loadBalancer, instance)
	}
}

// of returns those of a load balancer.
func (d *drains) of(loadBalancer string, now time.Time) map[string]time.Time {
	for instance, told := range d.known[loadBalancer] {
		if now.Sub(told) > maxDrain {
			d.remove(loadBalancer, instance)
		}
	}
	return d.known[loadBalancer]
}

// sweep forgets those that cannot be drained any more.
func (d *drains) sweep(now time.Time) {
	for loadBalancer := range maps.Clone(d.known) {
		d.of(loadBalancer, now)
	}
}

// forget forgets those of a load balancer that is gone.
func (d *drains) forget(loadBalancer string) {
	d.count -= len(d.known[loadBalancer])
	delete(d.known, loadBalancer)
}
