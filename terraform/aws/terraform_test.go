// Package aws has no code. Its tests check the Terraform files of this folder by parsing
// them.
package aws

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// layer is the content of the files.
type layer struct {
	files  map[string]*hclsyntax.Body
	source map[string]string
}

func read(t *testing.T) layer {
	t.Helper()
	names, err := filepath.Glob("*.tf")
	if err != nil {
		t.Fatal(err)
	}
	l := layer{map[string]*hclsyntax.Body{}, map[string]string{}}
	parser := hclparse.NewParser()
	for _, name := range names {
		file, problems := parser.ParseHCLFile(name)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			t.Fatalf("%s is no native syntax", name)
		}
		l.files[name], l.source[name] = body, string(file.Bytes)
	}
	return l
}

// block is a block with its text.
type block struct {
	*hclsyntax.Block
	source string
}

// blocks returns the blocks of a type whose labels have a prefix.
func (l layer) blocks(kind string, labels ...string) []block {
	var found []block
	for name, body := range l.files {
		for _, b := range body.Blocks {
			if b.Type == kind && len(b.Labels) >= len(labels) && slices.Equal(b.Labels[:len(labels)], labels) {
				found = append(found, block{b, l.source[name]})
			}
		}
	}
	return found
}

// one returns the only such block.
func (l layer) one(t *testing.T, kind string, labels ...string) block {
	t.Helper()
	found := l.blocks(kind, labels...)
	if len(found) != 1 {
		t.Fatalf("there are %d of %s %v, want one", len(found), kind, labels)
	}
	return found[0]
}

// in returns the only nested block of a type.
func (b block) in(t *testing.T, kind string) block {
	t.Helper()
	for _, nested := range b.Body.Blocks {
		if nested.Type == kind {
			return block{nested, b.source}
		}
	}
	t.Fatalf("%v has no %s", b.Labels, kind)
	return block{}
}

// says returns the text of an attribute's expression, empty when there is none.
func (b block) says(name string) string {
	attribute := b.Body.Attributes[name]
	if attribute == nil {
		return ""
	}
	return text(attribute.Expr.Range(), b.source)
}

func text(r hcl.Range, source string) string { return source[r.Start.Byte:r.End.Byte] }

// want checks attributes of a block.
func (b block) want(t *testing.T, attributes map[string]string) {
	t.Helper()
	for name, want := range attributes {
		if got := b.says(name); got != want {
			t.Errorf("%s %v: %s is %q, want %q", b.Type, b.Labels, name, got, want)
		}
	}
}

func TestVersionsArePinned(t *testing.T) {
	terraform := read(t).one(t, "terraform")
	terraform.want(t, map[string]string{"required_version": `">= 1.7"`})
	if got := terraform.in(t, "required_providers").says("aws"); !strings.Contains(got, `">= 5.100, < 6"`) {
		t.Errorf("the provider is %s", got)
	}
}

// Terraform on any platform accepts the provider of the registry by the hash of its archive (zh).
func TestLockFilesNameTheProviderOfAllPlatforms(t *testing.T) {
	for _, folder := range []string{".", "../examples/alb", "../examples/emulator"} {
		text, err := os.ReadFile(filepath.Join(folder, ".terraform.lock.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		if archives := strings.Count(string(text), `"zh:`); archives != 15 || !strings.Contains(string(text), `constraints = ">= 5.100.0, < 6.0.0"`) {
			t.Errorf("%s: %d archives:\n%s", folder, archives, text)
		}
	}
}

func TestLoadBalancerHasListenersHealthCheckAndDraining(t *testing.T) {
	l := read(t)
	elb := l.one(t, "resource", "aws_elb")
	elb.want(t, map[string]string{
		"cross_zone_load_balancing": "true", "connection_draining": "true",
		"subnets": "local.subnet_ids", "security_groups": "[aws_security_group.elb.id]",
	})
	var listeners []block
	for _, nested := range elb.Body.Blocks {
		if nested.Type == "dynamic" && nested.Labels[0] == "listener" {
			listeners = append(listeners, block{nested, elb.source})
		}
	}
	if len(listeners) != 2 {
		t.Fatalf("there are %d kinds of listeners", len(listeners))
	}
	listeners[0].in(t, "content").want(t, map[string]string{"lb_port": "listener.value", "lb_protocol": `"http"`, "instance_port": "local.service_port"})
	listeners[1].in(t, "content").want(t, map[string]string{"lb_port": "443", "lb_protocol": `"https"`, "instance_port": "local.service_port"})
	elb.in(t, "health_check").want(t, map[string]string{"target": `"HTTP:${local.service_port}/healthcheck"`})
	if !strings.Contains(l.source["elb.tf"], "service_port = 8000") {
		t.Error("the service is not at port 8000")
	}
}

func TestTerraformSetsNoMembers(t *testing.T) {
	l := read(t)
	elb := l.one(t, "resource", "aws_elb")
	if elb.says("instances") != "" || len(l.blocks("resource", "aws_elb_attachment")) > 0 {
		t.Error("Terraform sets members")
	}
	if got := elb.in(t, "lifecycle").says("ignore_changes"); got != "[instances]" {
		t.Errorf("it ignores %s", got)
	}
}

func TestSecurityGroupsAdmitOnlyGivenNetworks(t *testing.T) {
	l := read(t)
	ingress := "aws_vpc_security_group_ingress_rule"
	l.one(t, "resource", ingress, "elb_http").want(t, map[string]string{"from_port": "80", "to_port": "80", "cidr_ipv4": "each.value", "for_each": "toset(var.http_enabled ? var.allowed_cidrs : [])"})
	l.one(t, "resource", ingress, "elb_https").want(t, map[string]string{"from_port": "443", "to_port": "443", "cidr_ipv4": "each.value"})
	l.one(t, "resource", ingress, "instance_service").want(t, map[string]string{
		"from_port": "local.service_port", "to_port": "local.service_port", "cidr_ipv4": "",
		"referenced_security_group_id": "aws_security_group.elb.id", "security_group_id": "aws_security_group.instance.id",
	})
	l.one(t, "resource", ingress, "instance_ssh").want(t, map[string]string{"from_port": "22", "for_each": "toset(var.ssh_cidrs)"})
	l.one(t, "resource", ingress, "instance_metrics").want(t, map[string]string{
		"from_port": "local.service_port", "to_port": "local.service_port", "cidr_ipv4": "each.value", "for_each": "toset(var.metrics_cidrs)",
		"security_group_id": "aws_security_group.instance.id",
	})
	l.one(t, "resource", ingress, "database").want(t, map[string]string{
		"from_port": "5432", "to_port": "5432", "cidr_ipv4": "",
		"referenced_security_group_id": "aws_security_group.instance.id", "security_group_id": "aws_security_group.database[0].id",
	})
	l.one(t, "output", "instance_private_ips").want(t, map[string]string{"value": "aws_instance.this[*].private_ip"})
	if got := len(l.blocks("resource", ingress)); got != 6 {
		t.Errorf("there are %d rules that let in", got)
	}
	for _, closed := range []string{"ssh_cidrs", "metrics_cidrs"} {
		l.one(t, "variable", closed).want(t, map[string]string{"default": "[]"})
	}
	for _, group := range []string{"elb", "instance"} {
		out := false
		for _, rule := range l.blocks("resource", "aws_vpc_security_group_egress_rule") {
			out = out || rule.says("security_group_id") == "aws_security_group."+group+".id"
		}
		if !out {
			t.Errorf("the group %s lets nothing out", group)
		}
		if nested := l.one(t, "resource", "aws_security_group", group); len(nested.Body.Blocks) != 1 {
			t.Errorf("the group %s has rules of its own beside those resources", group)
		}
	}
}

func TestInstancesAreHardened(t *testing.T) {
	instance := read(t).one(t, "resource", "aws_instance")
	instance.want(t, map[string]string{"vpc_security_group_ids": "[aws_security_group.instance.id]", "iam_instance_profile": "aws_iam_instance_profile.instance.name"})
	instance.in(t, "metadata_options").want(t, map[string]string{"http_tokens": `"required"`, "http_put_response_hop_limit": "2"})
	instance.in(t, "root_block_device").want(t, map[string]string{"encrypted": "true", "volume_size": "var.root_volume_gib"})
	// AWS reports that a stopped instance has no public address.
	if got := instance.in(t, "lifecycle").says("ignore_changes"); got != "[ami, user_data, subnet_id, key_name, associate_public_ip_address]" {
		t.Errorf("changes of %s are ignored", got)
	}
	if got := instance.says("security_groups"); got != "" {
		t.Errorf("it wears the groups %s of EC2-Classic", got)
	}
}

func TestPermissionsAreMinimal(t *testing.T) {
	source := read(t).source["iam.tf"]
	var got []string
	for _, action := range regexp.MustCompile(`"([a-z0-9]+:[A-Za-z*]+)"`).FindAllStringSubmatch(source, -1) {
		got = append(got, action[1])
	}
	want := []string{
		"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeInstanceHealth",
		"elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeTags",
		"ec2:DescribeInstances", "cloudwatch:GetMetricData",
		"elasticloadbalancing:RegisterInstancesWithLoadBalancer", "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
		"elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
		"elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeRules",
		"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",
		"sts:AssumeRole", "ssm:GetParameter",
		"ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
		"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
	}
	if !slices.Equal(got, want) {
		t.Errorf("allowed are %v", got)
	}
	if got := strings.Count(source, `["*"]`); got != 3 {
		t.Errorf("%d statements apply to all resources, want the two that describe, and Session Manager", got)
	}
}

// Policies for some names must allow the changes that doctor tries.
func TestPermissionsIncludeThePoolsOfDoctor(t *testing.T) {
	policy := read(t).source["iam.tf"]
	files, err := filepath.Glob("../../internal/cloud/*/permissions.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no permissions are tried", err)
	}
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pools := regexp.MustCompile(`lsapi-doctor-no-such-(elb|tg)`).FindAllString(string(code), -1)
		if len(pools) == 0 {
			t.Errorf("%s tries no pool", file)
		}
		for _, pool := range pools {
			if !strings.Contains(policy, `"`+pool+`"`) {
				t.Errorf("changes of %s are not allowed", pool)
			}
		}
	}
}

func TestVariablesHaveDefaultsAndValidationMessages(t *testing.T) {
	for _, v := range read(t).blocks("variable") {
		if v.says("default") == "" || v.says("description") == "" {
			t.Errorf("%s lacks a default or a description", v.Labels[0])
		}
		if v.Labels[0] == "key_name" || v.says("type") == "bool" {
			continue // any text can be the name of a key pair
		}
		if message := v.in(t, "validation").says("error_message"); !strings.HasPrefix(message, `"Give `) {
			t.Errorf("%s: the message %s does not say what to give", v.Labels[0], message)
		}
	}
}

func TestAlarmsMatchTheirMetrics(t *testing.T) {
	source := read(t).source["alarms.tf"]
	for metric, means := range map[string][]string{
		"UnHealthyHostCount":   {`"Maximum"`, `"breaching"`},
		"HealthyHostCount":     {`"Minimum"`, `"breaching"`},
		"Latency":              {`"Average"`, `"notBreaching"`},
		"HTTPCode_Backend_5XX": {`"Sum"`, `"notBreaching"`},
		"HTTPCode_ELB_5XX":     {`"Sum"`, `"notBreaching"`},
		"SurgeQueueLength":     {`"Maximum"`, `"notBreaching"`},
		"SpilloverCount":       {`"Sum"`, `"notBreaching"`},
	} {
		line := ""
		for l := range strings.Lines(source) {
			if strings.Contains(l, `"`+metric+`"`) {
				line = l
			}
		}
		for _, word := range means {
			if !strings.Contains(line, word) {
				t.Errorf("%s lacks %s: %s", metric, word, line)
			}
		}
	}
}

func TestStateContainsNoSecret(t *testing.T) {
	l := read(t)
	for _, parameter := range l.blocks("data", "aws_ssm_parameter") {
		if parameter.Labels[1] != "ami" && parameter.says("with_decryption") != "false" {
			t.Errorf("%s is decrypted into the state", parameter.Labels[1])
		}
	}
	account := regexp.MustCompile(`\b\d{12}\b|AKIA[0-9A-Z]{16}`)
	for name, source := range l.source {
		if found := account.FindString(source); found != "" {
			t.Errorf("%s has %s in it", name, found)
		}
	}
}
