package lsapi_test

import (
	"testing"
	"time"

	"lsapi"
)

func TestIncarnationIsTheARNOrTheTimeOfCreation(t *testing.T) {
	created := time.Date(2019, 10, 1, 20, 0, 0, 120e6, time.FixedZone("", 2*60*60))
	for want, d := range map[string]*lsapi.Description{
		"":                        nil,
		"2019-10-01T18:00:00.12Z": {CreatedAt: created},
		"arn:aws:x":               {ARN: "arn:aws:x", CreatedAt: created},
	} {
		if got := d.Incarnation(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := new(lsapi.Description).Incarnation(); got != "" {
		t.Errorf("an unknown one is %q", got)
	}
}
