// Package awstest has a fake AWS for tests of the adapters, which responds by a script.
package awstest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"

	"lsapi/internal/cloud"
)

// The XML namespaces of the services.
const (
	ELBNamespace   = "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/"
	ELBV2Namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
	EC2Namespace   = "http://ec2.amazonaws.com/doc/2016-11-15/"
)

// Server responds to attempts by a script, whose last line repeats.
type Server struct {
	*httptest.Server
	script []Reply

	mu       sync.Mutex
	requests []url.Values
}

// Reply responds to a request with a form.
type Reply func(w http.ResponseWriter, form url.Values)

// Start returns a server with a script, and a configuration for it.
func Start(t testing.TB, script ...Reply) (cloud.Config, *Server) {
	t.Helper()
	s := &Server{script: script}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return Configure(t, cloud.Options{Endpoint: s.URL}), s
}

// Configure returns a configuration with credentials, independent of the environment.
func Configure(t testing.TB, o cloud.Options) cloud.Config {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CA_BUNDLE", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	o.Region = "us-east-1"
	config, err := cloud.Configure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.mu.Lock()
	answer := s.script[min(len(s.requests), len(s.script)-1)]
	s.requests = append(s.requests, form)
	s.mu.Unlock()
	answer(w, form)
}

// Attempts returns the forms of all requests.
func (s *Server) Attempts() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Says responds with a status and an XML body.
func Says(status int, body string) Reply {
	return func(w http.ResponseWriter, _ url.Values) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Result responds with the result of an operation of a service, and the id "aws-request".
func Result(namespace, operation, result string) Reply {
	answer := Says(http.StatusOK, fmt.Sprintf("<%[2]sResponse xmlns=%[1]q><%[2]sResult>%[3]s</%[2]sResult></%[2]sResponse>", namespace, operation, result))
	return func(w http.ResponseWriter, form url.Values) {
		w.Header().Set("X-Amzn-Requestid", "aws-request")
		answer(w, form)
	}
}

// Error responds with an error of ELB, in either version.
func Error(status int, code, message string) Reply {
	return Says(status, fmt.Sprintf(`<ErrorResponse xmlns=%q><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, ELBNamespace, code, message))
}

// EC2Error responds with an error of EC2.
func EC2Error(status int, code, message string) Reply {
	return Says(status, fmt.Sprintf(`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r-1</RequestID></Response>`, code, message))
}

// CutOff closes the connection without a response.
func CutOff(http.ResponseWriter, url.Values) { panic(http.ErrAbortHandler) }

// CutShort closes the connection in the middle of a 200 response.
func CutShort(w http.ResponseWriter, _ url.Values) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "<RegisterInst")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
