package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/config"
	"lsapi/internal/notify"
	"lsapi/internal/policy"
)

func TestPolicyComplementsTheReceiversOfTheSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	p, err := policy.Parse("policy.yaml", []byte(`notify:
- {url: "https://a.example", pools: ["tg/web-*"], events: [drift], outFor: never, format: slack}
- {url: "https://b.example", secretFile: "`+file+`"}
`))
	if err != nil {
		t.Fatal(err)
	}
	var unreadable []string
	all := receivers{
		settings: config.Notify{
			URLs: []config.Secret{"https://a.example", "https://c.example"}, Format: notify.CloudEvents,
			Secrets: []notify.Secret{notify.Secret("the secret of the settings")}, OutFor: time.Minute,
		},
		unreadable: func(place string, err error) { unreadable = append(unreadable, place+": "+err.Error()) },
	}
	var got []notify.Receiver
	sets := 0
	follow := func() map[string]notify.Receiver {
		all.follow(p, func(r []notify.Receiver) { got = r; sets++ })
		byURL := make(map[string]notify.Receiver)
		for _, r := range got {
			byURL[r.URL] = r
		}
		return byURL
	}
	// Without its secret, b would get requests that do not verify.
	byURL := follow()
	if len(got) != 2 || len(unreadable) != 1 || !strings.HasPrefix(unreadable[0], "policy.yaml:3: the secrets in "+file) {
		t.Errorf("the receivers are %v, unreadable are %q", got, unreadable)
	}
	a := byURL["https://a.example"]
	if a.Format != notify.Slack || a.OutFor != 0 || len(a.Kinds) != 1 || !a.Matches(t.Context(), lsapi.TG("web-1")) || a.Matches(t.Context(), lsapi.TG("app")) || string(a.Secrets[0]) != "the secret of the settings" {
		t.Errorf("the receiver of both is %+v", a)
	}
	if c := byURL["https://c.example"]; c.Format != notify.CloudEvents || c.OutFor != time.Minute || c.Matches != nil || c.Kinds != nil {
		t.Errorf("the receiver of the settings is %+v", c)
	}
	if follow(); sets != 1 {
		t.Errorf("the receivers were set %d times", sets)
	}
	if err := os.WriteFile(file, []byte("the secret of the second receiver\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	byURL = follow()
	if b := byURL["https://b.example"]; sets != 2 || len(got) != 3 || string(b.Secrets[0]) != "the secret of the second receiver" || b.OutFor != time.Minute {
		t.Errorf("the receiver with a secret is %+v", b)
	}
	if follow(); sets != 2 || len(unreadable) != 1 {
		t.Errorf("the receivers were set %d times, unreadable are %q", sets, unreadable)
	}
}
