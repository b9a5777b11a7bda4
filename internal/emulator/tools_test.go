package emulator

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi/internal/emulator/account"
)

// The AWS CLI and boto3 of Debian, which users of the emulator have.
const (
	awsCLI  = "/usr/bin/aws"
	python3 = "/usr/bin/python3"
)

// tool runs a program against an emulator that runs on the machine's clock, and
// returns what it prints.
func (a *testAccount) tool(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v: install it with: apt-get install awscli python3-boto3", err)
	}
	command := exec.CommandContext(t.Context(), program, args...)
	command.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(),
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "ENDPOINT=" + a.url,
	}
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (a *testAccount) aws(t *testing.T, line string) (string, error) {
	t.Helper()
	return a.tool(t, awsCLI, append([]string{"--endpoint-url", a.url, "--output", "text"}, strings.Fields(line)...)...)
}

// onTheClock returns an account with the demo fleet on the machine's clock.
func onTheClock(t *testing.T) *testAccount {
	t.Helper()
	return start(t, Options{Fleet: mustFleet(t, "demo"), Clock: systemClock{}})
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	a := onTheClock(t)
	for _, c := range []struct{ line, want string }{
		{"sts get-caller-identity --query Account", account.ID},
		{"elb describe-load-balancers --query LoadBalancerDescriptions[].LoadBalancerName", "default-elb\tweb-elb"},
		{"elb describe-load-balancers --page-size 1 --query LoadBalancerDescriptions[].LoadBalancerName", "default-elb"},
		{"elb register-instances-with-load-balancer --load-balancer-name default-elb --instances " + demoSpare, "INSTANCES\t" + demoMember + "\nINSTANCES\t" + demoSpare},
		{"elb wait instance-in-service --load-balancer-name web-elb --instances " + demoServing, ""},
		{"elb deregister-instances-from-load-balancer --load-balancer-name default-elb --instances " + demoMember, "INSTANCES\t" + demoSpare},
		{"elb describe-instance-health --load-balancer-name web-elb --query InstanceStates[].State", "InService\tOutOfService\tOutOfService\tOutOfService"},
		{"elb describe-load-balancer-attributes --load-balancer-name web-elb --query LoadBalancerAttributes.ConnectionDraining", "True\t60"},
		{"elb describe-tags --load-balancer-names web-elb --query TagDescriptions[].Tags[].Value", "web-elb\tweb"},
		{"ec2 describe-instances --instance-ids " + demoMember + " --query Reservations[].Instances[].[InstanceType,LaunchTime]", "t2.micro\t2019-10-01T18:54:00+00:00"},
		{"ec2 describe-instances --filters Name=tag:Name,Values=spare-* Name=instance-state-name,Values=running --query Reservations[].Instances[].InstanceId", demoSpare + "\t" + demoSpare2 + "\t" + demoOldSpare},
		{"ec2 describe-instances --page-size 5 --query length(Reservations[].Instances[])", "5\n5\n1"},
		{"elbv2 create-target-group --name shop --protocol HTTP --port 80 --vpc-id " + account.VPCID + " --query TargetGroups[].[TargetGroupName,HealthCheckPath]", "shop\t/"},
		{"elbv2 describe-target-groups --names shop --query TargetGroups[].Port", "80"},
		{"ec2 stop-instances --instance-ids " + demoSpare2 + " --query StoppingInstances[].CurrentState.Name", "stopping"},
		{"ec2 describe-instance-status --instance-ids " + demoMember + " --query InstanceStatuses[].InstanceStatus.Status", "ok"},
	} {
		if got, err := a.aws(t, c.line); err != nil || got != c.want {
			t.Errorf("aws %s\nprinted %q (%v)\nwant    %q", c.line, got, err, c.want)
		}
	}
}

func TestAWSCLIErrors(t *testing.T) {
	t.Parallel()
	a := onTheClock(t)
	for line, want := range map[string]string{
		"elb describe-load-balancers --load-balancer-names nope":                                                              "An error occurred (LoadBalancerNotFound) when calling the DescribeLoadBalancers operation: Cannot find Load Balancer nope",
		"elb register-instances-with-load-balancer --load-balancer-name default-elb --instances " + demoIdle:                  "An error occurred (InvalidInstance) when calling the RegisterInstancesWithLoadBalancer operation: EC2 instance " + demoIdle + " is not in running state.",
		"ec2 describe-instances --instance-ids i-00000000":                                                                    "An error occurred (InvalidInstanceID.NotFound) when calling the DescribeInstances operation: The instance ID 'i-00000000' does not exist",
		"elb set-load-balancer-listener-ssl-certificate --load-balancer-name a --load-balancer-port 1 --ssl-certificate-id x": "An error occurred (InvalidAction) when calling the SetLoadBalancerListenerSSLCertificate operation: Could not find operation SetLoadBalancerListenerSSLCertificate for version 2012-06-01",
		"elb describe-load-balancer-policies --load-balancer-name default-elb --policy-names nope":                            "An error occurred (PolicyNotFound) when calling the DescribeLoadBalancerPolicies operation: There is no policy with name nope",
	} {
		if got, err := a.aws(t, line); err == nil || got != want {
			t.Errorf("aws %s\nprinted %q (%v)\nwant    %q", line, got, err, want)
		}
	}
}

// botoScript prints what each step found; the waiters are botocore's own, asking
// more often than every 15 seconds.
const botoScript = `
import os, boto3
client = lambda name: boto3.client(name, endpoint_url=os.environ["ENDPOINT"])
elb, ec2 = client("elb"), client("ec2")
often = {"Delay": 0.1, "MaxAttempts": 50}

def wait(waiter, name, *ids):
    elb.get_waiter(waiter).wait(LoadBalancerName=name, Instances=[{"InstanceId": i} for i in ids], WaiterConfig=often)
    print(waiter, *ids)

name, new = "created-elb", ec2.run_instances(ImageId="ami-1", MinCount=2, MaxCount=2)["Instances"]
ids = [i["InstanceId"] for i in new]
elb.create_load_balancer(LoadBalancerName=name, AvailabilityZones=["us-east-1a"],
    Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8000}])
elb.modify_load_balancer_attributes(LoadBalancerName=name,
    LoadBalancerAttributes={"ConnectionDraining": {"Enabled": True, "Timeout": 60}})
ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig=often)
elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": i} for i in ids])
wait("any_instance_in_service", name, *ids)
wait("instance_in_service", name, *ids)
elb.deregister_instances_from_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": ids[0]}])
states = elb.describe_instance_health(LoadBalancerName=name, Instances=[{"InstanceId": ids[0]}])["InstanceStates"]
print(states[0]["State"], states[0]["Description"])
wait("instance_deregistered", name, ids[0])
print(*[i["InstanceId"] for i in elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]["Instances"]])
pages = elb.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 2})
print(*[len(page["LoadBalancerDescriptions"]) for page in pages])
pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
print(sum(len(r["Instances"]) for page in pages for r in page["Reservations"]))
elb.delete_load_balancer(LoadBalancerName=name)
try:
    elb.describe_load_balancers(LoadBalancerNames=[name])
except elb.exceptions.AccessPointNotFoundException as e:
    print(e)
`

func TestBoto3WaitersAndPaginators(t *testing.T) {
	t.Parallel()
	a := onTheClock(t)
	out, err := a.tool(t, python3, "-c", botoScript)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var ids []string
	for _, i := range a.State().Instances[11:] {
		ids = append(ids, i.InstanceID)
	}
	want := []string{
		"any_instance_in_service " + strings.Join(ids, " "),
		"instance_in_service " + strings.Join(ids, " "),
		"InService Instance deregistration currently in progress.",
		"instance_deregistered " + ids[0],
		ids[1],
		"2 1",
		"13",
		"An error occurred (LoadBalancerNotFound) when calling the DescribeLoadBalancers operation: Cannot find Load Balancer created-elb",
	}
	if got := strings.Split(out, "\n"); !slices.Equal(got, want) {
		t.Errorf("printed\n%s\nwant\n%s", out, strings.Join(want, "\n"))
	}
}

// botoTargetsScript does the same with target groups.
const botoTargetsScript = `
import os, boto3
client = lambda name: boto3.client(name, endpoint_url=os.environ["ENDPOINT"])
elb, instance = client("elbv2"), "` + demoSpare + `"
often = {"Delay": 0.1, "MaxAttempts": 50}
targets = [{"Id": instance, "Port": 80}, {"Id": instance, "Port": 8080}]

def group(name):
    return elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId="` + account.VPCID + `")["TargetGroups"][0]["TargetGroupArn"]

def wait(waiter, **named):
    elb.get_waiter(waiter).wait(WaiterConfig=often, **named)
    print(waiter)

def states():
    health = elb.describe_target_health(TargetGroupArn=shop)["TargetHealthDescriptions"]
    print(*[(h["Target"]["Port"], h["TargetHealth"]["State"]) for h in health])

shop, _, _ = group("shop"), group("group-1"), group("group-2")
web = elb.create_load_balancer(Name="web", Subnets=["subnet-0000000000000000a", "subnet-0000000000000000b"])["LoadBalancers"][0]["LoadBalancerArn"]
wait("load_balancer_available", Names=["web"])
elb.create_listener(LoadBalancerArn=web, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": shop}])
elb.modify_target_group_attributes(TargetGroupArn=shop, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}])
elb.register_targets(TargetGroupArn=shop, Targets=targets)
wait("target_in_service", TargetGroupArn=shop)
elb.deregister_targets(TargetGroupArn=shop, Targets=targets[1:])
states()
wait("target_deregistered", TargetGroupArn=shop, Targets=targets[1:])
states()
pages = elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 2})
print(*[g["TargetGroupName"] for page in pages for g in page["TargetGroups"]])
try:
    elb.delete_target_group(TargetGroupArn=shop)
except elb.exceptions.ResourceInUseException as e:
    print(type(e).__name__)
elb.delete_load_balancer(LoadBalancerArn=web)
wait("load_balancers_deleted", Names=["web"])
`

func TestBoto3WaitersAndPaginatorsOfTargetGroups(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]func(*testing.T) *testAccount{"health by the clock": onTheClock, "health by probes": carrying} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkBotoTargets(t, account(t))
		})
	}
}

func checkBotoTargets(t *testing.T, a *testAccount) {
	t.Helper()
	out, err := a.tool(t, python3, "-c", botoTargetsScript)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{
		"load_balancer_available", "target_in_service", "(80, 'healthy') (8080, 'draining')", "target_deregistered", "(80, 'healthy')",
		"group-1 group-2 shop web-admin web-elb", "ResourceInUseException", "load_balancers_deleted",
	}
	if got := strings.Split(out, "\n"); !slices.Equal(got, want) {
		t.Errorf("printed\n%s\nwant\n%s", out, strings.Join(want, "\n"))
	}
}

func TestSystemClockSleepEndsWithContext(t *testing.T) {
	before := time.Now()
	if err := (systemClock{}).Sleep(t.Context(), 5*time.Millisecond); err != nil || time.Since(before) < 5*time.Millisecond {
		t.Errorf("slept %v, error %v", time.Since(before), err)
	}
}
