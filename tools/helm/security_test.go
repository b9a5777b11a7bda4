package main

import (
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
)

// pods returns the pods of the Deployment and of helm test.
func pods(t *testing.T, made map[string]string) []core.PodSpec {
	t.Helper()
	return []core.PodSpec{of[apps.Deployment](t, made, "deployment.yaml").Spec.Template.Spec, of[core.Pod](t, made, "tests/test.yaml").Spec}
}

// The standard "restricted" of Pod Security demands all but the file system.
func TestPodsAreRestricted(t *testing.T) {
	for _, name := range names(t) {
		for _, pod := range pods(t, objects(t, name)) {
			p, c := pod.SecurityContext, pod.Containers[0].SecurityContext
			if !*p.RunAsNonRoot || *p.RunAsUser != 65532 || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
				t.Errorf("%s: the pod has %v", name, p)
			}
			if *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || len(c.Capabilities.Drop) != 1 || c.Capabilities.Drop[0] != "ALL" {
				t.Errorf("%s: the container has %v", name, c)
			}
			if *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks {
				t.Errorf("%s: the pod has a token of the API, or variables of other services", name)
			}
		}
	}
}

func TestImageIsByDigestIfThereIsOne(t *testing.T) {
	for name, want := range map[string]string{
		"postgresql": "registry.example/lsapi@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
		"all":        "registry.example/lsapi:1.2.3",
		"required":   "registry.example/lsapi:" + load(t).Metadata.AppVersion,
	} {
		for _, pod := range pods(t, objects(t, name)) {
			if got := pod.Containers[0].Image; got != want {
				t.Errorf("%s: it is %s, want %s", name, got, want)
			}
		}
	}
}

func TestGracePeriodIsLongerThanTheStop(t *testing.T) {
	made := objectsOf(t, mergedValues(t, "required", "{shutdownTimeoutSeconds: 120, preStopSeconds: 15}"))
	pod := of[apps.Deployment](t, made, "deployment.yaml").Spec.Template.Spec
	if *pod.TerminationGracePeriodSeconds != 145 || pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds != 15 {
		t.Errorf("the grace period is %d", *pod.TerminationGracePeriodSeconds)
	}
	for _, v := range pod.Containers[0].Env {
		if v.Name == "SHUTDOWN_TIMEOUT" && v.Value != "120s" {
			t.Errorf("SHUTDOWN_TIMEOUT is %s", v.Value)
		}
	}
}

func TestSQLiteIsOneProcessOnAKeptVolume(t *testing.T) {
	made := objects(t, "sqlite")
	d := of[apps.Deployment](t, made, "deployment.yaml")
	claim := of[core.PersistentVolumeClaim](t, made, "claim.yaml")
	if *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != apps.RecreateDeploymentStrategyType {
		t.Errorf("%d replicas, strategy %s", *d.Spec.Replicas, d.Spec.Strategy.Type)
	}
	if claim.Annotations["helm.sh/resource-policy"] != "keep" || claim.Spec.AccessModes[0] != core.ReadWriteOncePod {
		t.Errorf("the claim has %v and %v", claim.Annotations, claim.Spec.AccessModes)
	}
	if volume := d.Spec.Template.Spec.Volumes[0]; volume.PersistentVolumeClaim == nil || volume.PersistentVolumeClaim.ClaimName != claim.Name {
		t.Errorf("the volume is %v", volume)
	}
}

func TestNotesWarn(t *testing.T) {
	notes := func(name, more string) string {
		all, err := render(load(t), mergedValues(t, name, more))
		if err != nil {
			t.Fatal(err)
		}
		return all["lsapi/templates/NOTES.txt"]
	}
	for _, test := range []struct{ base, more, says string }{
		{"required", "ingress: {enabled: true, hosts: [a.example]}", "settings.TRUSTED_PROXIES is not set"},
		{"required", "ingress: {enabled: true, hosts: [a.example]}", "ingress.tls is not set"},
		{"required", "service: {type: LoadBalancer}", "service.loadBalancerSourceRanges is not set"},
		{"postgresql", "store: {postgresql: {sslmode: require}}", "sslmode is require: the database's certificate is not verified"},
		{"sqlite", "ingress: {enabled: true, hosts: [a.example]}", "serves /metrics to everyone"},
	} {
		if text := notes(test.base, test.more); !strings.Contains(text, test.says) {
			t.Errorf("%s is not in\n%s", test.says, text)
		}
	}
	if text := notes("postgresql", "{}"); strings.Contains(text, "WARNING") {
		t.Error(text)
	}
}
