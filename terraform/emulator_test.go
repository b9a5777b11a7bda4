package terraform

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi/internal/emulator"
	"lsapi/internal/emulator/fleet"
)

// alb.tf of the example and attachments are applied to the emulator, found unchanged, and
// destroyed. The provider polls a new load balancer twice, 30 s after its creation and 30 s
// after the change of its attributes.
func TestExampleAppliesToTheEmulator(t *testing.T) {
	t.Parallel()
	machines, err := fleet.Parse("testdata/fleet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulator.New(emulator.Options{Fleet: machines})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	folder := t.TempDir()
	for _, file := range []string{"testdata/emulator.tf", "examples/alb/alb.tf"} {
		text, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i := initialize(t, folder, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	for _, arguments := range [][]string{
		{"apply", "-auto-approve", "-no-color"},
		{"plan", "-detailed-exitcode", "-no-color"},
		{"destroy", "-auto-approve", "-no-color"},
	} {
		if out, err := i.run(t, arguments...); err != nil {
			t.Fatalf("%v: %v\n%s", arguments, err, out)
		}
	}
	client := elasticloadbalancingv2.New(elasticloadbalancingv2.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	groups, err := client.DescribeTargetGroups(t.Context(), &elasticloadbalancingv2.DescribeTargetGroupsInput{})
	if err != nil || len(groups.TargetGroups) > 0 {
		t.Errorf("target groups are left: %v (%v)", groups, err)
	}
	balancers, err := client.DescribeLoadBalancers(t.Context(), &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	if err != nil || len(balancers.LoadBalancers) > 0 {
		t.Errorf("load balancers are left: %v (%v)", balancers, err)
	}
}
