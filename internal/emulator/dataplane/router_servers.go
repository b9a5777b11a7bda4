package dataplane

import "net"

// newRouter returns a router without routes.
func newRouter(r *runtime, machines *machines, plan Router) *router {
	made := &router{runtime: r, machines: machines, name: plan.Name, network: plan.Network, metrics: zoneMetrics{byZone: make(map[string]*metrics)}}
	made.listeners = &listeners{r, plan.Name, make(map[int]*listener), made.newServer}
	return made
}

func (r *router) newServer(l Listener, opened net.Listener) server {
	if r.network {
		return newRelay(r.runtime.base, flows{r, l.Port}, 0, opened)
	}
	a := &application{newForwarder(r.machines), r, l.Port}
	return newHTTPServer(opened, a.handler(), a.forwarder, r.routes.Load().idle)
}
