package ec2

import (
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// The responses of EC2, as in its API reference (2016-11-15).
type (
	describeInstancesResponse struct {
		Reservations wire.Set[reservation] `xml:"reservationSet"`
		NextToken    string                `xml:"nextToken,omitempty"`
	}

	reservation struct {
		ID        string                 `xml:"reservationId"`
		OwnerID   string                 `xml:"ownerId"`
		Groups    wire.Set[struct{}]     `xml:"groupSet"`
		Instances wire.Set[instanceItem] `xml:"instancesSet"`
	}

	runInstancesResponse struct{ reservation }

	instanceItem struct {
		ID                 string                  `xml:"instanceId"`
		Image              string                  `xml:"imageId"`
		State              stateItem               `xml:"instanceState"`
		PrivateDNSName     string                  `xml:"privateDnsName"`
		PublicDNSName      string                  `xml:"dnsName"`
		Reason             string                  `xml:"reason"`
		KeyName            string                  `xml:"keyName,omitempty"`
		LaunchIndex        int                     `xml:"amiLaunchIndex"`
		Type               string                  `xml:"instanceType"`
		LaunchTime         wire.Timestamp          `xml:"launchTime"`
		Placement          placement               `xml:"placement"`
		Monitoring         monitoring              `xml:"monitoring"`
		SubnetID           string                  `xml:"subnetId,omitempty"`
		VPCID              string                  `xml:"vpcId,omitempty"`
		PrivateIP          string                  `xml:"privateIpAddress,omitempty"`
		PublicIP           string                  `xml:"ipAddress,omitempty"`
		SourceDestCheck    bool                    `xml:"sourceDestCheck"`
		Groups             wire.Set[securityGroup] `xml:"groupSet"`
		Architecture       string                  `xml:"architecture"`
		RootDeviceType     string                  `xml:"rootDeviceType"`
		RootDeviceName     string                  `xml:"rootDeviceName"`
		VirtualizationType string                  `xml:"virtualizationType"`
		Hypervisor         string                  `xml:"hypervisor"`
		EBSOptimized       bool                    `xml:"ebsOptimized"`
		Tags               wire.Set[tagItem]       `xml:"tagSet"`
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
		Instances wire.Set[stateChangeItem] `xml:"instancesSet"`
	}

	stateChangeItem struct {
		ID       string    `xml:"instanceId"`
		Current  stateItem `xml:"currentState"`
		Previous stateItem `xml:"previousState"`
	}

	describeInstanceStatusResponse struct {
		Statuses  wire.Set[statusItem] `xml:"instanceStatusSet"`
		NextToken string               `xml:"nextToken,omitempty"`
	}

	statusItem struct {
		ID       string        `xml:"instanceId"`
		Zone     string        `xml:"availabilityZone"`
		State    stateItem     `xml:"instanceState"`
		System   statusSummary `xml:"systemStatus"`
		Instance statusSummary `xml:"instanceStatus"`
	}

	statusSummary struct {
		Status  string                  `xml:"status"`
		Details wire.Set[statusFinding] `xml:"details"`
	}

	statusFinding struct {
		Name   string `xml:"name"`
		Status string `xml:"status"`
	}

	describeSecurityGroupsResponse struct {
		Groups    wire.Set[securityGroupItem] `xml:"securityGroupInfo"`
		NextToken string                      `xml:"nextToken,omitempty"`
	}

	securityGroupItem struct {
		OwnerID     string `xml:"ownerId"`
		ID          string `xml:"groupId"`
		Name        string `xml:"groupName"`
		Description string `xml:"groupDescription"`
		VPCID       string `xml:"vpcId"`
	}

	describeNetworkInterfacesResponse struct {
		Interfaces wire.Set[networkInterface] `xml:"networkInterfaceSet"`
		NextToken  string                     `xml:"nextToken,omitempty"`
	}

	networkInterface struct {
		ID               string                  `xml:"networkInterfaceId"`
		SubnetID         string                  `xml:"subnetId"`
		VPCID            string                  `xml:"vpcId"`
		Zone             string                  `xml:"availabilityZone"`
		Description      string                  `xml:"description"`
		Owner            string                  `xml:"ownerId"`
		Requester        string                  `xml:"requesterId,omitempty"`
		RequesterManaged bool                    `xml:"requesterManaged"`
		Status           string                  `xml:"status"`
		MAC              string                  `xml:"macAddress"`
		PrivateIP        string                  `xml:"privateIpAddress"`
		SourceDestCheck  bool                    `xml:"sourceDestCheck"`
		Groups           wire.Set[securityGroup] `xml:"groupSet"`
		Attachment       attachment              `xml:"attachment"`
		Type             string                  `xml:"interfaceType"`
	}

	attachment struct {
		ID                  string         `xml:"attachmentId"`
		InstanceID          string         `xml:"instanceId,omitempty"`
		InstanceOwner       string         `xml:"instanceOwnerId"`
		DeviceIndex         int            `xml:"deviceIndex"`
		Status              string         `xml:"status"`
		AttachTime          wire.Timestamp `xml:"attachTime"`
		DeleteOnTermination bool           `xml:"deleteOnTermination"`
	}

	returnResponse struct {
		Return bool `xml:"return"`
	}
)

func (s State) item() stateItem { return stateItem{int(s), s.String()} }

// item returns the instance as DescribeInstances shows it.
func (i *Instance) item(state State, t time.Time) instanceItem {
	item := instanceItem{
		ID: i.ID, Image: i.Image, Type: i.Type, KeyName: i.keyName,
		State:              state.item(),
		LaunchTime:         wire.Timestamp(i.launchedAt(t)),
		Placement:          placement{i.Zone, "default"},
		Monitoring:         monitoring{"disabled"},
		SourceDestCheck:    true,
		Architecture:       "x86_64",
		RootDeviceType:     "ebs",
		RootDeviceName:     "/dev/xvda",
		VirtualizationType: "hvm",
		Hypervisor:         "xen",
	}
	for _, t := range i.Tags {
		item.Tags.Items = append(item.Tags.Items, tagItem(t))
	}
	if state != Terminated {
		i.addNetwork(&item, state)
	}
	return item
}

// addNetwork fills in the addresses. A terminated instance has none, and only a running
// one has a public address.
func (i *Instance) addNetwork(item *instanceItem, state State) {
	item.VPCID, item.SubnetID = account.VPCID, account.SubnetOf(i.Zone)
	item.Groups.Items = []securityGroup{{account.SecurityGroupID, account.SecurityGroupName(account.SecurityGroupID)}}
	item.PrivateIP = i.privateIP()
	item.PrivateDNSName = "ip-" + dashed(item.PrivateIP) + ".ec2.internal"
	if state == Running {
		item.PublicIP = i.publicIP()
		item.PublicDNSName = "ec2-" + dashed(item.PublicIP) + ".compute-1.amazonaws.com"
	}
}
