package web

import (
	"net/http"
	"strings"
	"sync"

	"lsapi/api"
	v1 "lsapi/internal/web/v1"
)

// newRecordAPI returns the /v1 API, nil when there is no record for it to read.
func (s *server) newRecordAPI(o Options) *v1.API {
	if o.Record == nil {
		return nil
	}
	return v1.New(v1.Options{
		Version:  o.Version,
		Record:   o.Record,
		Fleet:    o.Fleet,
		Events:   o.Events,
		Exists:   o.Exists,
		Reads:    max(1, o.RecordReads),
		Timeout:  s.timeout,
		Stopping: o.Stopping,
		Admit:    s.admit,
		Fail:     s.failRecord,
		Abort:    s.abortRecord,
	})
}

func (s *server) failRecord(w http.ResponseWriter, err error) {
	s.fail(w.(*exchange), err) //nolint:errcheck // it is the one that readRecord hands on
}

func (s *server) abortRecord(w http.ResponseWriter, err error) {
	s.abort(w.(*exchange), err) //nolint:errcheck // likewise
}

// recordRoutes are the routes of the /v1 API, if there is one. Its document and the
// page that shows it are for everybody, as the contract's are.
func (s *server) recordRoutes() []route {
	if s.record == nil {
		return nil
	}
	document := sync.OnceValues(s.record.Document) // at the first request: most processes never get one
	routes := append(s.fleetRoutes(), s.eventRoutes()...)
	for _, asset := range api.V1Docs() {
		routes = append(routes, assetRoute(asset))
	}
	return append(routes, []route{
		{pattern: v1.ChangesPath, checks: []endpoint{s.authenticate}, get: s.readRecord},
		{pattern: v1.ChangePath, checks: []endpoint{s.authenticate}, get: s.readRecord},
		{pattern: v1.MembersPath, checks: []endpoint{s.authenticate, checkName(v1.NameParameter)}, get: s.readRecord},
		{pattern: "/v1/openapi.json", get: func(x *exchange) error {
			d, err := document()
			if err != nil {
				return err
			}
			return sendDocument(x, "application/json", entityTag(d.JSON), d.JSON)
		}},
		{pattern: "/v1/openapi.yaml", get: func(x *exchange) error {
			d, err := document()
			if err != nil {
				return err
			}
			return sendDocument(x, "application/yaml", entityTag(d.YAML), d.YAML)
		}},
	}...)
}

// eventRoutes are the routes to what happens, if that is told.
func (s *server) eventRoutes() []route {
	if !s.watched {
		return nil
	}
	return []route{{pattern: v1.EventsPath, checks: []endpoint{s.authenticate}, get: s.readRecord}}
}

// fleetRoutes are the routes to load balancers and their members, if they can be
// shown.
func (s *server) fleetRoutes() []route {
	if s.fleet == nil {
		return nil
	}
	name, instance := checkName(v1.NameParameter), checkInstance(v1.InstanceParameter)
	return []route{
		{pattern: v1.LoadBalancersPath, checks: []endpoint{s.authenticate}, get: s.readRecord},
		{pattern: v1.LoadBalancerPath, checks: []endpoint{s.authenticate, name}, get: s.readRecord},
		{pattern: v1.MemberPath, checks: []endpoint{s.authenticate, name, instance}, get: s.readRecord},
	}
}

// readRecord hands the request to the /v1 API.
func (s *server) readRecord(x *exchange) error {
	s.record.ServeHTTP(x, x.request)
	return nil
}

// speaksProblems reports whether errors are answered as RFC 9457 has them.
func (s *server) speaksProblems(x *exchange) bool {
	return s.record != nil && strings.HasPrefix(x.request.URL.Path+"/", "/v1/")
}
