package main

import (
	"strings"
	"testing"
)

// Each message names the value.
func TestSchemaRefusesSenselessValues(t *testing.T) {
	for name, test := range map[string]struct{ base, values, says string }{
		"no image":                      {"required", `image: {repository: ""}`, "at '/image/repository': minLength"},
		"no region":                     {"required", `region: ""`, "at '/region'"},
		"not a region":                  {"required", "region: Frankfurt", "at '/region'"},
		"no credentials":                {"required", `auth: {tokenSecret: {name: ""}}`, "at '/auth/tokenSecret/name': minLength"},
		"no users either":               {"required", `auth: {tokenSecret: {name: ""}}`, "at '/auth/usersSecret/name': minLength"},
		"a token in the values":         {"required", "auth: {token: dTpw}", "at '/auth': additional properties 'token' not allowed"},
		"no key":                        {"required", `auth: {tokenSecret: {key: ""}}`, "at '/auth/tokenSecret/key'"},
		"unknown":                       {"required", "replicaCount: 3", "additional properties 'replicaCount' not allowed"},
		"unknown setting":               {"required", "settings: {MAX_STALENES: 2s}", "at '/settings': additional properties 'MAX_STALENES' not allowed"},
		"setting of the chart":          {"required", "settings: {STORE_URL: x}", "at '/settings': additional properties 'STORE_URL' not allowed"},
		"number as a setting":           {"required", "settings: {MAX_STALENESS: 2}", "at '/settings/MAX_STALENESS'"},
		"not a duration":                {"required", "settings: {MAX_STALENESS: 2 s}", "at '/settings/MAX_STALENESS'"},
		"not a level":                   {"required", "settings: {LOG_LEVEL: loud}", "at '/settings/LOG_LEVEL'"},
		"not a kind":                    {"required", "settings: {KINDS: nlb}", "at '/settings/KINDS'"},
		"variable of the chart":         {"required", "extraEnv: [{name: API_TOKEN, value: dTpw}]", "at '/extraEnv/0/name'"},
		"replicas as text":              {"required", `replicas: "2"`, "at '/replicas': got string, want integer"},
		"fewer than no replica":         {"required", "replicas: -1", "at '/replicas'"},
		"two replicas on SQLite":        {"sqlite", "replicas: 2", "at '/replicas': maximum: got 2, want 1"},
		"the default replicas, SQLite":  {"required", "store: {kind: sqlite}", "at '/replicas': maximum: got 2, want 1"},
		"unknown store":                 {"required", "store: {kind: mysql}", "at '/store/kind': value must be one of"},
		"no database":                   {"required", `store: {postgresql: {urlSecret: {name: ""}}}`, "at '/store/postgresql/host': minLength"},
		"no password":                   {"postgresql", `store: {postgresql: {passwordSecret: {name: ""}}}`, "at '/store/postgresql/passwordSecret/name': minLength"},
		"password and passfile":         {"postgresql", "store: {postgresql: {passfileSecret: {name: x}}}", "at '/store/postgresql/passwordSecret/name': maxLength"},
		"URL and host":                  {"required", "store: {postgresql: {host: db.example}}", "at '/store/postgresql/host': maxLength"},
		"URL and password":              {"required", "store: {postgresql: {passwordSecret: {name: x}}}", "at '/store/postgresql/passwordSecret/name': maxLength"},
		"password in the host":          {"postgresql", "store: {postgresql: {host: 'u:p@db'}}", "at '/store/postgresql/host'"},
		"TLS that may be left out":      {"postgresql", "store: {postgresql: {sslmode: prefer}}", "at '/store/postgresql/sslmode': value must be one of"},
		"two authorities":               {"postgresql", "store: {postgresql: {ca: {secret: x}}}", "at '/store/postgresql/ca"},
		"port":                          {"postgresql", "store: {postgresql: {port: 70000}}", "at '/store/postgresql/port': maximum"},
		"size":                          {"sqlite", "store: {sqlite: {size: large}}", "at '/store/sqlite/size'"},
		"two policies":                  {"postgresql", "policy: {configMap: {name: x}}", "at '/policy/content': maxProperties"},
		"policy as text":                {"required", "policy: {content: 'defaults: {}'}", "at '/policy/content': got string, want object"},
		"digest":                        {"required", "image: {digest: 1234}", "at '/image/digest'"},
		"short digest":                  {"required", "image: {digest: 'sha256:12'}", "at '/image/digest'"},
		"pull policy":                   {"required", "image: {pullPolicy: Sometimes}", "at '/image/pullPolicy'"},
		"name that no Service can have": {"required", "fullnameOverride: web.lsapi", "at '/fullnameOverride'"},
		"strategy":                      {"required", "strategy: Canary", "at '/strategy'"},
		"probe":                         {"required", "probes: {readiness: /}", "at '/probes/readiness'"},
		"no time to stop":               {"required", "shutdownTimeoutSeconds: 0", "at '/shutdownTimeoutSeconds': minimum"},
		"type of service":               {"required", "service: {type: Headless}", "at '/service/type'"},
		"sources as names":              {"required", "service: {loadBalancerSourceRanges: [office]}", "at '/service/loadBalancerSourceRanges/0'"},
		"Ingress without hosts":         {"required", "ingress: {enabled: true}", "at '/ingress/hosts': minItems"},
		"URL as a host":                 {"required", "ingress: {enabled: true, hosts: ['https://x']}", "at '/ingress/hosts/0'"},
		"text for a switch":             {"required", "ingress: {enabled: 'yes'}", "at '/ingress/enabled': got string, want boolean"},
		"scrapes without credentials":   {"required", "metrics: {serviceMonitor: {enabled: true}}", "at '/metrics/serviceMonitor/basicAuthSecret/name': minLength"},
		"NetworkPolicy without clients": {"required", "networkPolicy: {enabled: true}", "at '/networkPolicy/from': minItems"},
		"no pod may be unavailable":     {"required", "podDisruptionBudget: {maxUnavailable: 0}", "at '/podDisruptionBudget/maxUnavailable'"},
		"label of the selector":         {"required", "podLabels: {app.kubernetes.io/name: x}", "at '/podLabels/app.kubernetes.io~1name'"},
		"annotation that is no text":    {"required", "podAnnotations: {a: 1}", "at '/podAnnotations/a': got number, want string"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := render(load(t), mergedValues(t, test.base, test.values))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}

func TestMissingValuesAreInOneMessage(t *testing.T) {
	_, err := render(load(t), nil)
	if err == nil {
		t.Fatal("the defaults are accepted")
	}
	for _, path := range []string{"/image/repository", "/region", "/auth", "/store/postgresql/host"} {
		if !strings.Contains(err.Error(), "at '"+path+"'") {
			t.Errorf("%s is not in %v", path, err)
		}
	}
}
