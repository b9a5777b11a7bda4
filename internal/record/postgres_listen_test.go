package record_test

import (
	"strings"
	"testing"

	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// A connection can become silent without an end, such as behind a firewall that lost its
// state.
func TestListenerReplacesSilentConnection(t *testing.T) {
	for name, at := range map[string]string{"at LISTEN": "LISTEN lsapi_", "later": "-- ping"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network, url := proxied(t, postgrestest.URL(t))
			network.swallow.Store(&at)
			log, text := logged()
			openURL(t, url, record.Options{Log: log})
			soon(t, "notifications to be received again", func() bool { return strings.Contains(text(), "are received again") })
			if n := strings.Count(text(), "are not received"); n != 1 {
				t.Errorf("it logged %d interruptions: %s", n, text())
			}
			if strings.Contains(text(), "is away") {
				t.Errorf("the record counts as away: %s", text())
			}
		})
	}
}
