package emulator

// elbOperations are the emulated actions of Classic ELB.
func elbOperations() map[string]operation {
	read, write := always(elbReads), always(elbWrites)
	return map[string]operation{
		"AddTags":                             {(*world).addTags, write},
		"ConfigureHealthCheck":                {(*world).configureHealthCheck, write},
		"CreateLoadBalancer":                  {(*world).createLoadBalancer, write},
		"DeleteLoadBalancer":                  {(*world).deleteLoadBalancer, write},
		"DeregisterInstancesFromLoadBalancer": {(*world).deregisterInstances, write},
		"DescribeAccountLimits":               {(*world).describeAccountLimits, read},
		"DescribeInstanceHealth":              {(*world).describeInstanceHealth, read},
		"DescribeLoadBalancerAttributes":      {(*world).describeAttributes, read},
		"DescribeLoadBalancers":               {(*world).describeLoadBalancers, read},
		"DescribeTags":                        {(*world).describeTags, read},
		"ModifyLoadBalancerAttributes":        {(*world).modifyAttributes, write},
		"RegisterInstancesWithLoadBalancer":   {(*world).registerInstances, write},
		"RemoveTags":                          {(*world).removeTags, write},
	}
}
