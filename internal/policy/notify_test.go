package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi/internal/notify"
	"lsapi/internal/policy"
)

func TestNotifyHasReceivers(t *testing.T) {
	all := parse(t, `notify:
- url: https://hooks.example.com/a
- {url: "http://10.0.0.1:9000", pools: ["elb/*", {tag: {env: prod}}], events: [refused, out], outFor: 10m, format: slack, secretFile: /etc/secret}
- {url: "https://hooks.example.com/b", outFor: never}
`).Notify()
	if len(all) != 3 {
		t.Fatalf("the receivers are %+v", all)
	}
	if a := all[0]; a.URL != "https://hooks.example.com/a" || a.Pools != nil || a.Events != nil || a.OutFor != nil || a.Format != "" || a.SecretFile != "" || a.Source != "policy.yaml:2" {
		t.Errorf("the first is %+v", a)
	}
	if b := all[1]; !b.Pools.ByTag() || !slices.Equal(b.Events, []notify.Kind{notify.Refused, notify.Out}) || *b.OutFor != 10*time.Minute || b.Format != notify.Slack || b.SecretFile != "/etc/secret" {
		t.Errorf("the second is %+v", b)
	}
	if c := all[2]; *c.OutFor != 0 {
		t.Errorf("the third is %+v", c)
	}
}

func TestNotifyProblemsHavePositionsAndNoURL(t *testing.T) {
	for text, want := range map[string]string{
		"notify: x":                                                                         "1:9: notify is not a list",
		"notify:\n- {pools: [\"elb/*\"]}":                                                   "2:3: the notification has no url",
		"notify:\n- {url: hidden.example}":                                                  "2:9: url is not an http or https URL",
		"notify:\n- {url: \"https://u:hidden@a.example\"}":                                  "2:9: url is one that contains a user or a password",
		"notify:\n- {url: \"https://hidden.example\", x: y}":                                `a notification has no field "x"`,
		"notify:\n- {url: \"https://hidden.example\", pools: []}":                           "pools",
		"notify:\n- {url: \"https://hidden.example\", events: []}":                          "events is empty",
		"notify:\n- {url: \"https://hidden.example\", events: [gap]}":                       `"gap" is not one of the events [drift refused overridden unknown out]`,
		"notify:\n- {url: \"https://hidden.example\", events: [out, out]}":                  "the event out is in the list already",
		"notify:\n- {url: \"https://hidden.example\", format: xml}":                         "format is neither cloudevents nor slack",
		"notify:\n- {url: \"https://hidden.example\", outFor: 0s}":                          "outFor is neither never nor a positive duration",
		"notify:\n- {url: \"https://hidden.example\", outFor: 25h}":                         "outFor is neither never nor a positive duration",
		"notify:\n- {url: \"https://hidden.example\", secretFile: \"\"}":                    "secretFile is empty",
		"notify:\n- {url: \"https://hidden.example\"}\n- {url: \"https://hidden.example\"}": "the url of policy.yaml:3 is that of policy.yaml:2",
		"notify:" + strings.Repeat("\n- {url: \"https://hidden.example\"}", 101):            "notify has more than 100 items",
	} {
		_, err := policy.Parse("policy.yaml", []byte(text))
		bad, ok := errors.AsType[*policy.Error](err)
		if !ok || !strings.Contains(bad.Lines()[0], want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}
