package ec2

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// Balancer is a load balancer. It has a network interface in each of its zones.
type Balancer struct {
	// Description is that of its network interfaces, such as "ELB web-elb".
	Description    string
	Type           string // of its network interfaces
	Zones          []string
	SecurityGroups []string
	Created        time.Time
}

// BalancerInterface is the type of the network interfaces of Classic and Application Load
// Balancers.
const BalancerInterface = "interface"

// balancerOwner owns the network interfaces of load balancers.
const balancerOwner = "amazon-elb"

// describable is a type of resources that calls describe by ids, by filters and in pages.
type describable[T any] struct {
	parameter string // of ids
	code      string // of the error for an unknown id
	noun      string // of its message
	id        func(T) string
	filters   filters[T]
}

// find returns the resources that a call selects, sorted by id, and the token of the next
// page.
func (d describable[T]) find(c wire.Call, all []T) (found []T, next string, err error) {
	selected, err := d.filters.read(c.Query)
	if err != nil {
		return nil, "", err
	}
	ids, size, after, err := d.selection(c.Query)
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(all, func(a, b T) int { return cmp.Compare(d.id(a), d.id(b)) })
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(one T) bool { return d.id(one) == id }) {
			return nil, "", wire.BadRequest(d.code, "The %s '%s' does not exist", d.noun, id)
		}
	}
	for _, one := range all {
		id := d.id(one)
		if id <= after || len(ids) > 0 && !slices.Contains(ids, id) || !passes(selected, one) {
			continue
		}
		if size > 0 && len(found) == size {
			return found, base64.URLEncoding.EncodeToString([]byte(d.noun + ":" + d.id(found[size-1]))), nil
		}
		found = append(found, one)
	}
	return found, "", nil
}

// selection returns the ids that a call names, the page size, 0 for no limit, and the last
// id of the page before.
func (d describable[T]) selection(q wire.Query) (ids []string, size int, after string, err error) {
	ids = q.List(d.parameter)
	if len(ids) > 0 && q.Has("MaxResults") {
		return nil, 0, "", wire.BadRequest("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults", d.parameter)
	}
	if size, err = pageSize(q); err != nil {
		return nil, 0, "", err
	}
	if token := q.Text("NextToken"); token != "" {
		decoded, err := base64.URLEncoding.DecodeString(token)
		last, ok := strings.CutPrefix(string(decoded), d.noun+":")
		if err != nil || !ok {
			return nil, 0, "", errInvalidToken(token)
		}
		after = last
	}
	return ids, size, after, nil
}

var securityGroups = describable[account.SecurityGroup]{
	parameter: "GroupId", code: "InvalidGroup.NotFound", noun: "security group",
	id: func(g account.SecurityGroup) string { return g.ID },
	filters: filters[account.SecurityGroup]{
		values: map[string]func(account.SecurityGroup) []string{
			"description": one(func(g account.SecurityGroup) string { return g.Description }),
			"group-id":    one(func(g account.SecurityGroup) string { return g.ID }),
			"group-name":  one(func(g account.SecurityGroup) string { return g.Name }),
			"owner-id":    one(func(account.SecurityGroup) string { return account.ID }),
			"vpc-id":      one(func(account.SecurityGroup) string { return account.VPCID }),
		},
		tags: func(account.SecurityGroup) []account.Tag { return nil },
	},
}

func (s *Service) describeSecurityGroups(c wire.Call) (any, error) {
	all := account.SecurityGroups()
	for _, name := range c.List("GroupName") {
		if !slices.ContainsFunc(all, func(g account.SecurityGroup) bool { return g.Name == name }) {
			return nil, wire.BadRequest("InvalidGroup.NotFound", "The security group '%s' does not exist", name)
		}
	}
	if names := c.List("GroupName"); len(names) > 0 {
		all = slices.DeleteFunc(all, func(g account.SecurityGroup) bool { return !slices.Contains(names, g.Name) })
	}
	found, next, err := securityGroups.find(c, all)
	if err != nil {
		return nil, err
	}
	response := &describeSecurityGroupsResponse{NextToken: next}
	for _, g := range found {
		response.Groups.Items = append(response.Groups.Items, securityGroupItem{account.ID, g.ID, g.Name, g.Description, account.VPCID})
	}
	return response, nil
}

var networkInterfaces = describable[networkInterface]{
	parameter: "NetworkInterfaceId", code: "InvalidNetworkInterfaceID.NotFound", noun: "networkInterface ID",
	id: func(i networkInterface) string { return i.ID },
	filters: filters[networkInterface]{
		values: map[string]func(networkInterface) []string{
			"attachment.attachment-id":     one(func(i networkInterface) string { return i.Attachment.ID }),
			"attachment.instance-id":       one(func(i networkInterface) string { return i.Attachment.InstanceID }),
			"attachment.instance-owner-id": one(func(i networkInterface) string { return i.Attachment.InstanceOwner }),
			"attachment.status":            one(func(i networkInterface) string { return i.Attachment.Status }),
			"availability-zone":            one(func(i networkInterface) string { return i.Zone }),
			"description":                  one(func(i networkInterface) string { return i.Description }),
			"group-id":                     groups(func(g securityGroup) string { return g.ID }),
			"group-name":                   groups(func(g securityGroup) string { return g.Name }),
			"interface-type":               one(func(i networkInterface) string { return i.Type }),
			"network-interface-id":         one(func(i networkInterface) string { return i.ID }),
			"owner-id":                     one(func(i networkInterface) string { return i.Owner }),
			"private-ip-address":           one(func(i networkInterface) string { return i.PrivateIP }),
			"requester-id":                 one(func(i networkInterface) string { return i.Requester }),
			"status":                       one(func(i networkInterface) string { return i.Status }),
			"subnet-id":                    one(func(i networkInterface) string { return i.SubnetID }),
			"vpc-id":                       one(func(i networkInterface) string { return i.VPCID }),
		},
		tags: func(networkInterface) []account.Tag { return nil },
	},
}

// groups returns one value of each security group of a network interface.
func groups(value func(securityGroup) string) func(networkInterface) []string {
	return func(i networkInterface) (values []string) {
		for _, g := range i.Groups.Items {
			values = append(values, value(g))
		}
		return values
	}
}

func (s *Service) describeNetworkInterfaces(c wire.Call) (any, error) {
	found, next, err := networkInterfaces.find(c, s.networkInterfaces(c.Time.Now))
	if err != nil {
		return nil, err
	}
	return &describeNetworkInterfacesResponse{wire.Set[networkInterface]{Items: found}, next}, nil
}

// networkInterfaces returns those of the instances and of the load balancers.
func (s *Service) networkInterfaces(now time.Time) []networkInterface {
	var all []networkInterface
	for _, i := range s.order {
		if current, ok := i.StateAt(now); ok && current.State != Terminated {
			all = append(all, i.networkInterface())
		}
	}
	for _, b := range s.Balancers() {
		for _, zone := range b.Zones {
			all = append(all, b.networkInterface(zone))
		}
	}
	return all
}

func (i *Instance) networkInterface() networkInterface {
	n := newNetworkInterface(i.ID, i.Zone, []string{account.SecurityGroupID}, i.Life[0].At)
	n.Attachment.InstanceID, n.Attachment.InstanceOwner = i.ID, account.ID
	n.PrivateIP = i.privateIP()
	return n
}

func (b Balancer) networkInterface(zone string) networkInterface {
	n := newNetworkInterface(b.Description+" "+zone, zone, b.SecurityGroups, b.Created)
	n.Description, n.Type = b.Description, b.Type
	n.Requester, n.RequesterManaged, n.Attachment.InstanceOwner = balancerOwner, true, balancerOwner
	n.Attachment.DeviceIndex = 1
	host := numberOf(b.Description + zone)
	n.PrivateIP = fmt.Sprintf("10.255.%d.%d", byte(host>>8), byte(host))
	return n
}

// newNetworkInterface returns the network interface of an owner, whose name determines its
// ids.
func newNetworkInterface(owner, zone string, groups []string, created time.Time) networkInterface {
	number := numberOf(owner)
	n := networkInterface{
		ID: fmt.Sprintf("eni-0%016x", number), Owner: account.ID, Status: "in-use", Type: BalancerInterface, SourceDestCheck: true,
		Zone: zone, SubnetID: account.SubnetOf(zone), VPCID: account.VPCID, MAC: macAddress(number),
		Attachment: attachment{ID: fmt.Sprintf("eni-attach-0%016x", number), Status: "attached", AttachTime: wire.Timestamp(created), DeleteOnTermination: true},
	}
	for _, id := range groups {
		n.Groups.Items = append(n.Groups.Items, securityGroup{id, account.SecurityGroupName(id)})
	}
	return n
}

// numberOf returns a number that identifies a text.
func numberOf(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text)) // never fails
	return hash.Sum64()
}

// macAddress returns a locally administered address.
func macAddress(number uint64) string {
	b := binary.BigEndian.AppendUint64(nil, number)
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", b[3], b[4], b[5], b[6], b[7])
}
