// Package client_test drives the service with a client that was generated from
// the document that the service serves. The generator writes its packages beside
// this file, in a copy of this folder.
//
// The tag bare is for a client of a service without the envelope.
package client_test

import (
	"errors"
	"os"
	"testing"

	"github.com/go-openapi/runtime"
	transport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"

	"lsapi/generated/client/membership"
	"lsapi/generated/models"
)

// Of the emulator's demo fleet.
const (
	member = "i-0592fe5ccee879f04"
	spare  = "i-0bee000000000cd01"
)

// caller calls the operations on one load balancer.
type caller struct {
	membership.ClientService
	loadBalancer string
	credentials  runtime.ClientAuthInfoWriter
}

func newCaller(loadBalancer, password string) caller {
	return caller{
		membership.New(transport.New(os.Getenv("LSAPI_ADDRESS"), "/", []string{"http"}), strfmt.Default),
		loadBalancer,
		transport.BasicAuth("alice", password),
	}
}

func (c caller) list(t *testing.T) (*membership.ListMachinesElbOK, error) {
	t.Helper()
	return c.ListMachinesElbContext(t.Context(), membership.NewListMachinesElbParams().WithElbName(c.loadBalancer), c.credentials)
}

func (c caller) attach(t *testing.T, instance string) (*membership.AttachInstanceCreated, error) {
	t.Helper()
	params := membership.NewAttachInstanceParams().WithElbName(c.loadBalancer).WithBody(&models.MachineID{InstanceID: &instance})
	return c.AttachInstanceContext(t.Context(), params, c.credentials)
}

func (c caller) detach(t *testing.T, instance string) (*membership.DetachInstanceCreated, error) {
	t.Helper()
	params := membership.NewDetachInstanceParams().WithElbName(c.loadBalancer).WithBody(&models.MachineID{InstanceID: &instance})
	return c.DetachInstanceContext(t.Context(), params, c.credentials)
}

// The steps build on each other.
func TestAGeneratedClientDoesTheWholeJob(t *testing.T) {
	c := newCaller("default-elb", "secret")

	checkMembers(t, c, member)
	attach, err := c.attach(t, spare)
	if err != nil {
		t.Fatal(err)
	}
	checkMachine(t, attached(attach), spare, "2024-07-01T10:00:00.000Z")
	checkMembers(t, c, member, spare)

	_, err = c.attach(t, spare)
	conflict, ok := errors.AsType[*membership.AttachInstanceConflict](err)
	if !ok {
		t.Fatalf("a second attach is no conflict: %v", err)
	}
	checkText(t, conflict.Payload)

	detach, err := c.detach(t, spare)
	if err != nil {
		t.Fatal(err)
	}
	checkMachine(t, detached(detach), spare, "2024-07-01T10:00:00.000Z")
	checkMembers(t, c, member)

	_, err = c.detach(t, spare)
	noMember, ok := errors.AsType[*membership.DetachInstanceConflict](err)
	if !ok {
		t.Fatalf("a second detach is no conflict: %v", err)
	}
	checkText(t, noMember.Payload)
}

func TestAGeneratedClientLearnsThatThereIsNoSuchLoadBalancer(t *testing.T) {
	c := newCaller("no-such-elb", "secret")

	_, err := c.list(t)
	list, ok := errors.AsType[*membership.ListMachinesElbNotFound](err)
	if !ok {
		t.Fatalf("the list: %v", err)
	}
	checkText(t, list.Payload)

	_, err = c.attach(t, spare)
	attach, ok := errors.AsType[*membership.AttachInstanceNotFound](err)
	if !ok {
		t.Fatalf("the attach: %v", err)
	}
	checkText(t, attach.Payload)

	_, err = c.detach(t, spare)
	detach, ok := errors.AsType[*membership.DetachInstanceNotFound](err)
	if !ok {
		t.Fatalf("the detach: %v", err)
	}
	checkText(t, detach.Payload)
}

func TestAGeneratedClientLearnsThatItsCredentialsAreWrong(t *testing.T) {
	c := newCaller("default-elb", "wrong")

	_, err := c.list(t)
	list, ok := errors.AsType[*membership.ListMachinesElbUnauthorized](err)
	if !ok {
		t.Fatalf("the list: %v", err)
	}
	checkText(t, list.Payload)
	if list.WWWAuthenticate != `Basic realm="lsapi"` {
		t.Errorf("it is challenged by %q", list.WWWAuthenticate)
	}

	_, err = c.attach(t, spare)
	attach, ok := errors.AsType[*membership.AttachInstanceUnauthorized](err)
	if !ok {
		t.Fatalf("the attach: %v", err)
	}
	checkText(t, attach.Payload)
}

func checkMembers(t *testing.T, c caller, want ...string) {
	t.Helper()
	list, err := c.list(t)
	if err != nil {
		t.Fatal(err)
	}
	got := machines(list)
	if len(got) != len(want) {
		t.Fatalf("%d members are listed, want %v", len(got), want)
	}
	for i, id := range want {
		if *got[i].InstanceID != id {
			t.Errorf("member %d is %s, want %s", i, *got[i].InstanceID, id)
		}
	}
	if list.ETag == "" {
		t.Error("the list has no tag")
	}
}

func checkMachine(t *testing.T, machine *models.MachineInfo, id, launched string) {
	t.Helper()
	if err := machine.Validate(strfmt.Default); err != nil {
		t.Fatal(err)
	}
	if *machine.InstanceID != id || *machine.InstanceType != "t2.micro" || *machine.LaunchDate != launched {
		t.Errorf("it is %s %s %s", *machine.InstanceID, *machine.InstanceType, *machine.LaunchDate)
	}
}

func checkText(t *testing.T, e *models.Error) {
	t.Helper()
	if text(e) == nil || *text(e) == "" {
		t.Error("the error says nothing")
	}
}
