// Package cloudwatch emulates the metrics of Classic and Application Load Balancers that
// carry traffic.
package cloudwatch

import (
	"lsapi/internal/emulator/wire"
)

// Version is the version of the API.
const Version = "2010-08-01"

// API returns the operations of the service, which have no documented bucket.
func (s *Service) API() *wire.API {
	unlimited := wire.Bucket{}.Always
	return &wire.API{
		Name: "cloudwatch", Version: Version, Dialect: wire.QueryDialect,
		Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
		Target:    "GraniteServiceVersion20100801", ErrorShape: errorShape,
		Operations: map[string]wire.Operation{
			"GetMetricData":       {Perform: s.getMetricData, Bucket: unlimited},
			"GetMetricStatistics": {Perform: s.getMetricStatistics, Bucket: unlimited},
			"ListMetrics":         {Perform: s.listMetrics, Bucket: unlimited},
		},
	}
}

func errorShape(code string) string {
	switch code {
	case "InvalidParameterValue":
		return "com.amazonaws.cloudwatch#InvalidParameterValueException"
	case "MissingParameter":
		return "com.amazonaws.cloudwatch#MissingRequiredParameterException"
	case "InvalidNextToken":
		return "com.amazonaws.cloudwatch#InvalidNextToken"
	}
	return code
}
