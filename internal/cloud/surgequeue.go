package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// metricsDelay is how late CloudWatch tells of a minute at most, usually.
const metricsDelay = 5 * time.Minute

// SurgeQueue asks CloudWatch for the surge queue of a load balancer. It speaks the
// query protocol with the SDK's signer: the SDK's client of CloudWatch would make the
// binary half a megabyte larger for these two numbers.
type SurgeQueue struct {
	loadBalancer string
	config       aws.Config
	endpoint     string
	since        time.Time
}

// NewSurgeQueue returns one that counts from now on. Endpoint is the URL of an emulator
// or a gateway; empty asks CloudWatch itself, or what AWS_ENDPOINT_URL names.
func NewSurgeQueue(ctx context.Context, loadBalancer, endpoint string) (*SurgeQueue, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	q := &SurgeQueue{loadBalancer: loadBalancer, config: cfg, endpoint: endpoint, since: time.Now()}
	if q.endpoint == "" {
		q.endpoint = aws.ToString(cfg.BaseEndpoint)
	}
	if q.endpoint == "" && cfg.Region == "" {
		return nil, fmt.Errorf("no AWS region is set: set AWS_REGION")
	}
	if q.endpoint == "" {
		q.endpoint = "https://monitoring." + cfg.Region + ".amazonaws.com"
		if strings.HasPrefix(cfg.Region, "cn-") {
			q.endpoint += ".cn"
		}
	}
	return q, nil
}

// metricData is what GetMetricData answers, as far as it is needed.
type metricData struct {
	Results []struct {
		ID     string    `xml:"Id"`
		Times  []string  `xml:"Timestamps>member"`
		Values []float64 `xml:"Values>member"`
	} `xml:"GetMetricDataResult>MetricDataResults>member"`
}

// Look returns the longest queue of the last minute that CloudWatch knows of, none if that
// is older than it usually takes to tell, and how many requests have spilled over since
// the minute before New.
func (q *SurgeQueue) Look(ctx context.Context) (waiting int, spilled int64, err error) {
	answer, err := q.ask(ctx, q.form())
	if err != nil {
		return 0, 0, err
	}
	for _, r := range answer.Results {
		switch {
		case r.ID == "spilled":
			for _, v := range r.Values {
				spilled += int64(v)
			}
		case len(r.Values) > 0 && len(r.Times) > 0: // the latest is the first
			if at, err := time.Parse(time.RFC3339, r.Times[0]); err == nil && time.Since(at) < metricsDelay {
				waiting = int(r.Values[0])
			}
		}
	}
	return waiting, spilled, nil
}

func (q *SurgeQueue) form() url.Values {
	form := url.Values{
		"Action": {"GetMetricData"}, "Version": {"2010-08-01"},
		"StartTime": {q.since.Add(-time.Minute).UTC().Format(time.RFC3339)},
		"EndTime":   {time.Now().Add(time.Minute).UTC().Format(time.RFC3339)},
	}
	for i, m := range [][3]string{{"waiting", "SurgeQueueLength", "Maximum"}, {"spilled", "SpilloverCount", "Sum"}} {
		query := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		form.Set(query+"Id", m[0])
		form.Set(query+"MetricStat.Stat", m[2])
		form.Set(query+"MetricStat.Period", "60")
		form.Set(query+"MetricStat.Metric.Namespace", "AWS/ELB")
		form.Set(query+"MetricStat.Metric.MetricName", m[1])
		form.Set(query+"MetricStat.Metric.Dimensions.member.1.Name", "LoadBalancerName")
		form.Set(query+"MetricStat.Metric.Dimensions.member.1.Value", q.loadBalancer)
	}
	return form
}

// ask sends a signed request.
func (q *SurgeQueue) ask(ctx context.Context, form url.Values) (answer metricData, err error) {
	body := form.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(q.endpoint, "/")+"/", strings.NewReader(body))
	if err != nil {
		return answer, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	credentials, err := q.config.Credentials.Retrieve(ctx)
	if err != nil {
		return answer, fmt.Errorf("find AWS credentials: %w", err)
	}
	digest := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(digest[:]), "monitoring", q.config.Region, time.Now()); err != nil {
		return answer, fmt.Errorf("sign the request: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return answer, err
	}
	if response.StatusCode != http.StatusOK {
		var failure struct {
			Code    string `xml:"Error>Code"`
			Message string `xml:"Error>Message"`
		}
		_ = xml.Unmarshal(text, &failure) // whatever it is, the status tells
		return answer, fmt.Errorf("CloudWatch answers %s %s %s", response.Status, failure.Code, failure.Message)
	}
	if err := xml.Unmarshal(text, &answer); err != nil {
		return answer, fmt.Errorf("read the answer of CloudWatch: %w", err)
	}
	return answer, nil
}
