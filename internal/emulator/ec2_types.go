package emulator

import (
	"strings"
	"time"
)

// What EC2 writes, field by field as in its API reference (2016-11-15).
type (
	describeInstancesResponse struct {
		Reservations set[reservation] `xml:"reservationSet"`
		NextToken    string           `xml:"nextToken,omitempty"`
	}

	reservation struct {
		ID        string            `xml:"reservationId"`
		OwnerID   string            `xml:"ownerId"`
		Groups    set[struct{}]     `xml:"groupSet"`
		Instances set[instanceItem] `xml:"instancesSet"`
	}

	runInstancesResponse struct{ reservation }

	instanceItem struct {
		ID                 string             `xml:"instanceId"`
		Image              string             `xml:"imageId"`
		State              stateItem          `xml:"instanceState"`
		PrivateDNSName     string             `xml:"privateDnsName"`
		PublicDNSName      string             `xml:"dnsName"`
		Reason             string             `xml:"reason"`
		KeyName            string             `xml:"keyName,omitempty"`
		LaunchIndex        int                `xml:"amiLaunchIndex"`
		Type               string             `xml:"instanceType"`
		LaunchTime         timestamp          `xml:"launchTime"`
		Placement          placement          `xml:"placement"`
		Monitoring         monitoring         `xml:"monitoring"`
		SubnetID           string             `xml:"subnetId,omitempty"`
		VPCID              string             `xml:"vpcId,omitempty"`
		PrivateIP          string             `xml:"privateIpAddress,omitempty"`
		PublicIP           string             `xml:"ipAddress,omitempty"`
		SourceDestCheck    bool               `xml:"sourceDestCheck"`
		Groups             set[securityGroup] `xml:"groupSet"`
		Architecture       string             `xml:"architecture"`
		RootDeviceType     string             `xml:"rootDeviceType"`
		RootDeviceName     string             `xml:"rootDeviceName"`
		VirtualizationType string             `xml:"virtualizationType"`
		Hypervisor         string             `xml:"hypervisor"`
		EBSOptimized       bool               `xml:"ebsOptimized"`
		Tags               set[tagItem]       `xml:"tagSet"`
	}

	stateItem struct {
		Code int    `xml:"code"`
		Name string `xml:"name"`
	}

	placement struct {
		Zone    string `xml:"availabilityZone"`
		Tenancy string `xml:"tenancy"`
	}

	monitoring struct {
		State string `xml:"state"`
	}

	securityGroup struct {
		ID   string `xml:"groupId"`
		Name string `xml:"groupName"`
	}

	tagItem struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}

	stateChangesResponse struct {
		Instances set[stateChange] `xml:"instancesSet"`
	}

	stateChange struct {
		ID       string    `xml:"instanceId"`
		Current  stateItem `xml:"currentState"`
		Previous stateItem `xml:"previousState"`
	}

	describeInstanceStatusResponse struct {
		Statuses  set[statusItem] `xml:"instanceStatusSet"`
		NextToken string          `xml:"nextToken,omitempty"`
	}

	statusItem struct {
		ID       string    `xml:"instanceId"`
		Zone     string    `xml:"availabilityZone"`
		State    stateItem `xml:"instanceState"`
		System   statusSum `xml:"systemStatus"`
		Instance statusSum `xml:"instanceStatus"`
	}

	statusSum struct {
		Status  string             `xml:"status"`
		Details set[statusFinding] `xml:"details"`
	}

	statusFinding struct {
		Name   string `xml:"name"`
		Status string `xml:"status"`
	}

	returnResponse struct {
		Return bool `xml:"return"`
	}
)

func (s instanceState) item() stateItem { return stateItem{int(s), s.String()} }

// item returns an instance as DescribeInstances gives it at a moment.
func (i *instance) item(state instanceState, t time.Time) instanceItem {
	item := instanceItem{
		ID: i.id, Image: i.image, Type: i.kind, KeyName: i.keyName,
		State:              state.item(),
		LaunchTime:         timestamp(i.launchAt(t)),
		Placement:          placement{i.zone, "default"},
		Monitoring:         monitoring{"disabled"},
		SourceDestCheck:    true,
		Architecture:       "x86_64",
		RootDeviceType:     "ebs",
		RootDeviceName:     "/dev/xvda",
		VirtualizationType: "hvm",
		Hypervisor:         "xen",
	}
	for _, t := range i.tags {
		item.Tags.Items = append(item.Tags.Items, tagItem(t))
	}
	if state != terminated {
		i.addNetwork(&item, state)
	}
	return item
}

// addNetwork fills in the addresses, which a terminated instance has lost; the
// public one is lost while it is stopped, too.
func (i *instance) addNetwork(item *instanceItem, state instanceState) {
	item.VPCID, item.SubnetID = VPCID, subnetOf(i.zone)
	item.Groups.Items = []securityGroup{{SecurityGroupID, securityGroupName}}
	item.PrivateIP = privateIP(i.number)
	item.PrivateDNSName = "ip-" + strings.ReplaceAll(item.PrivateIP, ".", "-") + ".ec2.internal"
	if state == running {
		item.PublicIP = publicIP(i.number)
		item.PublicDNSName = "ec2-" + strings.ReplaceAll(item.PublicIP, ".", "-") + ".compute-1.amazonaws.com"
	}
}
