package cloudwatch

import (
	"time"

	"lsapi/internal/emulator/wire"
)

// FromQuery implements wire.Input.
func (in *getMetricDataInput) FromQuery(q wire.Query) (err error) {
	if in.StartTime.Time, in.EndTime.Time, err = times(q); err != nil {
		return err
	}
	in.ScanBy = q.Text("ScanBy")
	for _, element := range q.Elements("MetricDataQueries.member") {
		query := metricDataQuery{ID: element.Text("Id"), Label: element.Text("Label")}
		returned, err := element.Bool("ReturnData", true)
		if err != nil {
			return err
		}
		query.ReturnData = &returned
		if element.Has("MetricStat.Stat") {
			period, err := element.Number("MetricStat.Period", 0)
			if err != nil {
				return err
			}
			query.MetricStat = &metricStat{Period: period, Stat: element.Text("MetricStat.Stat"), Metric: metricFrom(element, "MetricStat.Metric.")}
		}
		in.MetricDataQueries = append(in.MetricDataQueries, query)
	}
	return nil
}

// FromQuery implements wire.Input.
func (in *getMetricStatisticsInput) FromQuery(q wire.Query) (err error) {
	if in.StartTime.Time, in.EndTime.Time, err = times(q); err != nil {
		return err
	}
	m := metricFrom(q, "")
	in.Namespace, in.MetricName, in.Dimensions = m.Namespace, m.MetricName, m.Dimensions
	in.Statistics = q.List("Statistics.member")
	in.Period, err = q.Number("Period", 0)
	return err
}

// FromQuery implements wire.Input.
func (in *listMetricsInput) FromQuery(q wire.Query) error {
	m := metricFrom(q, "")
	in.Namespace, in.MetricName, in.Dimensions = m.Namespace, m.MetricName, m.Dimensions
	in.NextToken = q.Text("NextToken")
	return nil
}

// metricFrom returns the metric under a prefix.
func metricFrom(q wire.Query, prefix string) metric {
	m := metric{Namespace: q.Text(prefix + "Namespace"), MetricName: q.Text(prefix + "MetricName")}
	for _, d := range q.Elements(prefix + "Dimensions.member") {
		m.Dimensions = append(m.Dimensions, dimension{d.Text("Name"), d.Text("Value")})
	}
	return m
}

// times returns StartTime and EndTime, zero if missing.
func times(q wire.Query) (from, to time.Time, err error) {
	if from, err = q.Timestamp("StartTime"); err != nil {
		return from, to, err
	}
	to, err = q.Timestamp("EndTime")
	return from, to, err
}
