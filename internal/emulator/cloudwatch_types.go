package emulator

import "time"

// What CloudWatch reads and writes, field by field as in its API reference
// (2010-08-01): the query protocol and RPC v2 CBOR have the same names.
type (
	getMetricDataInput struct {
		MetricDataQueries  []metricDataQuery
		StartTime, EndTime time.Time
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
		Dimensions            []dimension
	}

	dimension struct{ Name, Value string }

	getMetricDataResult struct {
		MetricDataResults list[metricDataResult]
		Messages          list[struct{}]
	}

	metricDataResult struct {
		ID         string `xml:"Id" cbor:"Id"`
		Label      string
		Timestamps list[timestamp]
		Values     list[float64]
		StatusCode string
	}

	getMetricStatisticsInput struct {
		Namespace, MetricName string
		Dimensions            []dimension
		StartTime, EndTime    time.Time
		Period                int
		Statistics            []string
	}

	getMetricStatisticsResult struct {
		Label      string
		Datapoints list[datapoint]
	}

	datapoint struct {
		Timestamp   timestamp
		SampleCount *float64 `xml:",omitempty" cbor:",omitempty"`
		Average     *float64 `xml:",omitempty" cbor:",omitempty"`
		Sum         *float64 `xml:",omitempty" cbor:",omitempty"`
		Minimum     *float64 `xml:",omitempty" cbor:",omitempty"`
		Maximum     *float64 `xml:",omitempty" cbor:",omitempty"`
		Unit        string
	}
)
