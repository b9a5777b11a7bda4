package emulator

// ec2Operations are the emulated actions of EC2.
func ec2Operations() map[string]operation {
	change, launch := always(ec2Changes), always(ec2Launches)
	return map[string]operation{
		"CreateTags":             {(*world).createTags, change},
		"DescribeInstances":      {(*world).describeInstances, describing},
		"DescribeInstanceStatus": {(*world).describeInstanceStatus, describing},
		"RunInstances":           {(*world).runInstances, launch},
		"StartInstances":         {(*world).startInstances, launch},
		"StopInstances":          {(*world).stopInstances, change},
		"TerminateInstances":     {(*world).terminateInstances, change},
	}
}
