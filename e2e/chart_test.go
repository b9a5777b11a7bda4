package e2e

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"golang.org/x/crypto/bcrypt"

	"lsapi/internal/record/postgrestest"
)

// chart is what the Helm chart makes, as far as it decides how the service runs. The tests of
// tools/helm keep the files of testdata equal to the chart.
type chart struct {
	deployment, test chartObject
	configMaps       map[string]map[string]string
}

// chartObject is an object of Kubernetes: a Deployment, a Pod or a ConfigMap.
type chartObject struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Replicas   int
		Template   struct{ Spec chartPod }
		Containers []chartContainer
	}
}

type chartPod struct {
	Containers []chartContainer
	Volumes    []struct {
		Name   string
		Secret struct {
			Name string `yaml:"secretName"`
		}
		ConfigMap struct{ Name string } `yaml:"configMap"`
	}
}

type chartContainer struct {
	Command, Args []string
	Env           []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
	StartupProbe   chartProbe `yaml:"startupProbe"`
	ReadinessProbe chartProbe `yaml:"readinessProbe"`
	LivenessProbe  chartProbe `yaml:"livenessProbe"`
}

type chartProbe struct {
	HTTPGet struct{ Path string } `yaml:"httpGet"`
}

func readChart(t *testing.T, name string) chart {
	t.Helper()
	file, err := os.Open("../tools/helm/testdata/rendered/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	made := chart{configMaps: make(map[string]map[string]string)}
	for decoder := yaml.NewDecoder(file); ; {
		var object chartObject
		err := decoder.Decode(&object)
		switch {
		case errors.Is(err, io.EOF):
			return made
		case err != nil:
			t.Fatal(err)
		case object.Kind == "Deployment":
			made.deployment = object
		case object.Kind == "Pod":
			made.test = object
		case object.Kind == "ConfigMap":
			made.configMaps[object.Metadata.Name] = object.Data
		}
	}
}

// mountKeys writes a volume of a Secret or a ConfigMap as the kubelet does: the files are links
// through a link to a folder, which an update replaces.
func mountKeys(t *testing.T, folder string, keys map[string]string) {
	t.Helper()
	data := filepath.Join(folder, "..data-"+rand.Text())
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for key, text := range keys {
		link := filepath.Join(folder, key)
		if _, err := os.Lstat(link); errors.Is(err, os.ErrNotExist) {
			if err := os.Symlink(filepath.Join("..data", key), link); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(data, key), []byte(text), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(folder, "..data")
	if err := errors.Join(os.Symlink(filepath.Base(data), link+"_tmp"), os.Rename(link+"_tmp", link)); err != nil {
		t.Fatal(err)
	}
}

// mount makes the volumes of the Deployment. It returns the folder of each mount path.
func (c chart) mount(t *testing.T, secrets map[string]map[string]string) map[string]string {
	t.Helper()
	folders := make(map[string]string)
	pod := c.deployment.Spec.Template.Spec
	for _, m := range pod.Containers[0].VolumeMounts {
		folder := t.TempDir()
		folders[m.MountPath] = folder
		for _, v := range pod.Volumes {
			switch {
			case v.Name != m.Name:
			case v.Secret.Name != "":
				mountKeys(t, folder, secrets[v.Secret.Name])
			case v.ConfigMap.Name != "":
				mountKeys(t, folder, c.configMaps[v.ConfigMap.Name])
			}
		}
	}
	return folders
}

// environment returns the variables of the container, and those of an AWS.
func (c chartContainer) environment(endpoint string, secrets map[string]map[string]string, change *strings.Replacer) []string {
	variables := []string{"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}
	for _, v := range c.Env {
		value := change.Replace(v.Value)
		if ref := v.ValueFrom.SecretKeyRef; ref.Name != "" {
			value = secrets[ref.Name][ref.Key]
		}
		variables = append(variables, v.Name+"="+value)
	}
	return variables
}

// run starts the container with its command and variables, in its working folder /state. Paths
// of mounts become those of the folders; edits replace what names other machines.
func (c chart) run(t *testing.T, endpoint string, folders map[string]string, secrets map[string]map[string]string, edits ...string) *service {
	t.Helper()
	edits = append(edits, ":8000", "127.0.0.1:0")
	for path, folder := range folders {
		edits = append(edits, path+"/", folder+"/")
	}
	container := c.deployment.Spec.Template.Spec.Containers[0]
	if len(container.Command) != 1 || container.Command[0] != "/lsapi" {
		t.Fatalf("the command is %q", container.Command)
	}
	p := start(t, container.Args, with(container.environment(endpoint, secrets, strings.NewReplacer(edits...))...), in(folders["/state"]))
	address := p.waitFor(p.stderr, `listening.*?address"?[=:]"?([0-9.:]+)`)[1]
	s := &service{p, client{t: t, base: "http://" + address, authorization: "Basic " + apiToken()}}
	for _, probe := range []chartProbe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		eventually(t, probe.HTTPGet.Path+" passes", func() bool { return s.anonymous().get(probe.HTTPGet.Path).status == http.StatusOK })
	}
	return s
}

// helmTest runs the chart's test against a service. It returns what it prints.
func (c chart) helmTest(t *testing.T, s *service, endpoint string, secrets map[string]map[string]string) string {
	t.Helper()
	container := c.test.Spec.Containers[0]
	change := strings.NewReplacer("http://lsapi:80", s.base)
	var arguments []string
	for _, argument := range container.Args {
		arguments = append(arguments, change.Replace(argument))
	}
	status, stdout, stderr := run(t, arguments, with(container.environment(endpoint, secrets, change)...))
	if status != 0 {
		t.Errorf("helm test: status %d, %s%s", status, stdout, stderr)
	}
	return stdout
}

func TestChartRunsReplicasOnPostgreSQL(t *testing.T) {
	t.Parallel()
	a, server := startAWS(t), postgrestest.New(t)
	certificate, key := selfSigned(t)
	server.UseTLS(certificate, key)
	postgrestest.Exec(t, server.URL(), "CREATE DATABASE lsapi")
	database, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}

	c := readChart(t, "postgresql")
	c.configMaps["database-ca"] = map[string]string{"ca.crt": string(certificate)}
	secrets := map[string]map[string]string{
		"lsapi-token":    {"api-token": apiToken()},
		"lsapi-database": {"password": postgrestest.Password},
		"lsapi-signing":  {"secrets": "the secret of the receivers\n"},
	}
	folders := c.mount(t, secrets)
	var replicas []*service
	for range c.deployment.Spec.Replicas {
		replicas = append(replicas, c.run(t, a.base, folders, secrets, "db.example:5432", database.Host))
	}
	if len(replicas) != 2 {
		t.Fatalf("%d replicas", len(replicas))
	}
	if printed := c.helmTest(t, replicas[1], a.base, secrets); strings.Contains(printed, "fail ") || !strings.Contains(printed, "elasticloadbalancing:RegisterInstancesWithLoadBalancer") {
		t.Errorf("helm test prints %s", printed)
	}

	if answer := replicas[0].detach("default-elb", member); answer.status != http.StatusConflict || !strings.Contains(answer.body, "keepLast (policy.yaml:") {
		t.Errorf("with the policy of the values: %d %s", answer.status, answer.body)
	}
	mountKeys(t, folders["/etc/lsapi/policy"], map[string]string{"policy.yaml": "defaults: {keepLast: false}\n"})
	for _, s := range replicas {
		s.waitFor(s.stderr, `"msg":"policy file read"`)
	}
	if answer := replicas[1].detach("default-elb", member); answer.status != http.StatusCreated {
		t.Errorf("after the ConfigMap has changed: %d %s", answer.status, answer.body)
	}
	c.keepsReads(t, a, replicas[1])
	if written, err := os.ReadDir(folders["/state"]); err != nil || len(written) > 0 {
		t.Errorf("/state has %v, %v", written, err)
	}
}

// keepsReads asserts that the pod stays in its Service while AWS is away, as its lists are served.
// All replicas fail /readyz then.
func (c chart) keepsReads(t *testing.T, a aws, s *service) {
	t.Helper()
	if list := s.get(defaultList); list.status != http.StatusOK {
		t.Fatalf("a list is %d %s", list.status, list.body)
	}
	a.stop()
	eventually(t, "/readyz fails", func() bool {
		s.get(defaultList) // reads that fail show that AWS is away
		return s.get("/readyz").status == http.StatusServiceUnavailable
	})
	path := c.deployment.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Path
	if ready, list := s.get(path), s.get(defaultList); ready.status != http.StatusOK || list.status != http.StatusOK {
		t.Errorf("the readiness probe is %d, a list %d %s", ready.status, list.status, list.body)
	}
}

// selfSigned returns a certificate of 127.0.0.1 and its key, in PEM.
func selfSigned(t *testing.T) (certificate, key []byte) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func TestChartRunsOnSQLite(t *testing.T) {
	t.Parallel()
	a, c := startAWS(t), readChart(t, "sqlite")
	secrets := map[string]map[string]string{"lsapi-users": {"users": usersLine(t, user, password, bcrypt.MinCost)}}
	folders := c.mount(t, secrets)
	s := c.run(t, a.base, folders, secrets)
	if printed := c.helmTest(t, s, a.base, secrets); printed != "up\n" {
		t.Errorf("helm test prints %s", printed)
	}
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("%d %s", answer.status, answer.body)
	}
	if metrics := s.anonymous().get("/metrics"); metrics.status != http.StatusOK {
		t.Errorf("/metrics is %d", metrics.status)
	}
	mountKeys(t, folders["/etc/lsapi/users"], map[string]string{"users": usersLine(t, "carol", "hers", bcrypt.MinCost)})
	eventually(t, "the users of the changed Secret", func() bool { return s.as("carol", "hers").get("/v1/pools").status == http.StatusOK })
	if status := s.stop(); status != 0 {
		t.Errorf("the stop has status %d", status)
	}

	s = c.run(t, a.base, folders, secrets) // the next pod, on the same volume
	if changes := s.as("carol", "hers").changes("outcome=applied"); len(changes) != 1 {
		t.Errorf("the record has %v", changes)
	}
}
