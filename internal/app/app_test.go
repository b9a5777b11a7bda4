package app

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
)

// options returns options of a service on a free port whose AWS is unreachable.
func options(t *testing.T) Options {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Helper()
	return Options{
		Config: config.Config{
			Listen:         "127.0.0.1:0",
			APIToken:       "dXNlcjpwYXNzd29yZA==",
			Region:         "us-east-1",
			AWSEndpoint:    "http://127.0.0.1:1",
			Envelope:       config.EnvelopeMessage,
			RequestTimeout: time.Minute,
			Store:          config.Secret("sqlite:" + filepath.Join(t.TempDir(), "lsapi.db")),
			LogFormat:      config.LogText,
		},
		Log: new(bytes.Buffer),
	}
}

func TestEveryCategoryOfTheBudgetHasASize(t *testing.T) {
	cfg, err := config.Load(config.Sources{Environ: []string{"API_TOKEN=x"}, CheckToken: func(string) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	want := []budget.Category{budget.EC2Filtered, budget.EC2Plain, budget.ELBRead, budget.ELBWrite, budget.ELBV2Read, budget.ELBV2Write}
	var got []budget.Category
	for _, category := range slices.Sorted(maps.Keys(cfg.Budget)) {
		got = append(got, budget.Category(category))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the settings have the categories %q, want %q", got, want)
	}
}

func TestServiceStartsServesAndStops(t *testing.T) {
	service, err := Start(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + service.Addr().String() + "/healthcheck"
	if _, err := get(t.Context(), url); err != nil {
		t.Error(err)
	}
	if err := service.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := get(t.Context(), url); err == nil {
		t.Error("it responds after Stop")
	}
}

func TestMetricsShowConnectionsAndLimit(t *testing.T) {
	o := options(t)
	o.Config.MetricsPublic = true
	service, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Stop(t.Context())
	text, err := get(t.Context(), "http://"+service.Addr().String()+"/metrics")
	if err != nil || !strings.Contains(text, "\nlsapi_http_connections 1\n") || !strings.Contains(text, "\nlsapi_http_connections_limit ") {
		t.Errorf("got %v, %s", err, text)
	}
}

func TestStartOnUsedPortFailsWithoutLeaks(t *testing.T) {
	_, url := serve(t, 0, func(http.ResponseWriter, *http.Request) {})
	o := options(t)
	o.Config.Listen = strings.TrimPrefix(url, "http://")
	_, err := Start(t.Context(), o)
	if failure, ok := errors.AsType[*ListenError](err); !ok || !failure.InUse() || err.Error() != failure.Error() {
		t.Errorf("got %v", err)
	}
}

func TestPartsStopInReverseAndReportFailures(t *testing.T) {
	var stopped []string
	var a App
	for _, name := range []string{"first", "second", "third"} {
		a.started(name, func(context.Context) error {
			stopped = append(stopped, name)
			if name == "second" {
				return context.DeadlineExceeded
			}
			return nil
		})
	}
	err := a.stop(t.Context())
	if want := []string{"third", "second", "first"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped %v, want %v", stopped, want)
	}
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "second: not finished: context deadline exceeded" {
		t.Errorf("got %v", err)
	}
}
