package web

// serveMetrics hands the request to whoever has the metrics.
func (s *server) serveMetrics(x *exchange) error {
	s.metrics.ServeHTTP(x, x.request)
	return nil
}

// metricsRoutes is the route of the metrics, if there are any. They tell the
// names of load balancers to nobody, but how busy the service is, so that they
// need credentials unless somebody has decided otherwise.
func (s *server) metricsRoutes(public bool) []route {
	if s.metrics == nil {
		return nil
	}
	checks := []endpoint{s.authenticate}
	if public {
		checks = nil
	}
	return []route{{pattern: "/metrics", checks: checks, get: s.serveMetrics, routine: true}}
}
