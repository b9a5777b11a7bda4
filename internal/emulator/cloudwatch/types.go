package cloudwatch

import (
	"encoding/xml"

	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/wire"
)

// zoneDimension is a dimension in all namespaces.
const zoneDimension = "AvailabilityZone"

// dimensionNames are the other dimensions of a namespace.
type dimensionNames struct {
	loadBalancer string
	targetGroup  string // empty without target groups
}

var dimensionsOf = map[dataplane.Namespace]dimensionNames{
	dataplane.ClassicNamespace:     {loadBalancer: "LoadBalancerName"},
	dataplane.ApplicationNamespace: {loadBalancer: "LoadBalancer", targetGroup: "TargetGroup"},
}

// The parameters and responses of CloudWatch, as in its API reference (2010-08-01). The
// names are the same in all protocols.
type (
	getMetricDataInput struct {
		MetricDataQueries  []metricDataQuery
		StartTime, EndTime wire.Moment
		ScanBy             string
	}

	metricDataQuery struct {
		ID         string `cbor:"Id"`
		Label      string
		MetricStat *metricStat
		ReturnData *bool
	}

	metricStat struct {
		Metric metric
		Period int
		Stat   string
	}

	metric struct {
		Namespace, MetricName string
		Dimensions            dimensions
	}

	dimension struct{ Name, Value string }

	listMetricsInput struct {
		Namespace, MetricName string
		Dimensions            dimensions
		NextToken             string
	}

	listMetricsResult struct {
		Metrics   wire.List[metric]
		NextToken string `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
	}

	getMetricDataResult struct {
		MetricDataResults wire.List[metricDataResult]
		Messages          wire.List[struct{}]
	}

	metricDataResult struct {
		ID         string `xml:"Id" json:"Id" cbor:"Id"`
		Label      string
		Timestamps wire.List[wire.Timestamp]
		Values     wire.List[float64]
		StatusCode string
	}

	getMetricStatisticsInput struct {
		Namespace, MetricName string
		Dimensions            dimensions
		StartTime, EndTime    wire.Moment
		Period                int
		Statistics            []string
	}

	getMetricStatisticsResult struct {
		Label      string
		Datapoints wire.List[datapoint]
	}

	datapoint struct {
		Timestamp   wire.Timestamp
		SampleCount *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Average     *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Sum         *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Minimum     *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Maximum     *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Unit        string
	}
)

// dimensions is a list that requests contain too.
type dimensions []dimension

// MarshalXML writes the list in the query protocol.
func (d dimensions) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(wire.List[dimension]{Members: d}, start)
}

// scope returns the scope of a metric. It returns false for dimensions that no metric has.
func (m metric) scope() (scope dataplane.Scope, ok bool) {
	scope.Namespace = dataplane.Namespace(m.Namespace)
	names, ok := dimensionsOf[scope.Namespace]
	if !ok {
		return scope, false
	}
	for _, d := range m.Dimensions {
		switch {
		case d.Name == names.loadBalancer && scope.LoadBalancer == "" && d.Value != "":
			scope.LoadBalancer = d.Value
		case d.Name == names.targetGroup && scope.TargetGroup == "" && d.Value != "":
			scope.TargetGroup = d.Value
		case d.Name == zoneDimension && scope.Zone == "" && d.Value != "":
			scope.Zone = d.Value
		default:
			return scope, false
		}
	}
	return scope, true
}
