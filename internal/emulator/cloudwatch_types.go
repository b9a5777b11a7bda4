package emulator

import "encoding/xml"

// What CloudWatch reads and writes, field by field as in its API reference
// (2010-08-01): all protocols have the same names.
type (
	getMetricDataInput struct {
		MetricDataQueries  []metricDataQuery
		StartTime, EndTime moment
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
		Metrics   list[metric]
		NextToken string `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
	}

	getMetricDataResult struct {
		MetricDataResults list[metricDataResult]
		Messages          list[struct{}]
	}

	metricDataResult struct {
		ID         string `xml:"Id" json:"Id" cbor:"Id"`
		Label      string
		Timestamps list[timestamp]
		Values     list[float64]
		StatusCode string
	}

	getMetricStatisticsInput struct {
		Namespace, MetricName string
		Dimensions            dimensions
		StartTime, EndTime    moment
		Period                int
		Statistics            []string
	}

	getMetricStatisticsResult struct {
		Label      string
		Datapoints list[datapoint]
	}

	datapoint struct {
		Timestamp   timestamp
		SampleCount *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Average     *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Sum         *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Minimum     *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Maximum     *float64 `xml:",omitempty" json:",omitempty" cbor:",omitempty"`
		Unit        string
	}
)

// dimensions are a list that is also read.
type dimensions []dimension

// MarshalXML writes the list as the query protocol does.
func (d dimensions) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(list[dimension]{d}, start)
}
