// Command original works like the service that lsapi replaces: each request makes its own
// AWS calls, one for each instance of a list. It is a yardstick for lanes and snapshot.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	"github.com/aws/smithy-go"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8000", "address to serve on")
	endpoint := flag.String("aws-endpoint", "", "URL of AWS")
	flag.Parse()
	settings, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(*endpoint))
	if err != nil {
		log.Fatal(err)
	}
	o := original{elb.NewFromConfig(settings), ec2.NewFromConfig(settings)}
	http.HandleFunc("GET /healthcheck", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("GET /elb/{name}", answer(http.StatusOK, o.list))
	http.HandleFunc("POST /elb/{name}", answer(http.StatusCreated, o.attach))
	http.HandleFunc("DELETE /elb/{name}", answer(http.StatusCreated, o.detach))
	server := &http.Server{Addr: *listen, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

type original struct {
	elb *elb.Client
	ec2 *ec2.Client
}

type instance struct {
	ID       string    `json:"instanceId"`
	Type     string    `json:"instanceType"`
	Launched time.Time `json:"launchDate"`
}

var errConflict = errors.New("it is so already")

func (o original) list(r *http.Request) (any, error) {
	ids, err := o.members(r)
	if err != nil {
		return nil, err
	}
	list := []instance{}
	for _, id := range ids {
		one, err := o.describe(r.Context(), id)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (o original) attach(r *http.Request) (any, error) {
	return o.change(r, true, func(name *string, id []types.Instance) error {
		_, err := o.elb.RegisterInstancesWithLoadBalancer(r.Context(), &elb.RegisterInstancesWithLoadBalancerInput{LoadBalancerName: name, Instances: id})
		return err
	})
}

func (o original) detach(r *http.Request) (any, error) {
	return o.change(r, false, func(name *string, id []types.Instance) error {
		_, err := o.elb.DeregisterInstancesFromLoadBalancer(r.Context(), &elb.DeregisterInstancesFromLoadBalancerInput{LoadBalancerName: name, Instances: id})
		return err
	})
}

// change reads and then changes, so that two concurrent ones can both succeed.
func (o original) change(r *http.Request, attach bool, call func(name *string, id []types.Instance) error) (any, error) {
	var body struct{ InstanceID string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	ids, err := o.members(r)
	if err != nil {
		return nil, err
	}
	one, err := o.describe(r.Context(), body.InstanceID)
	if err != nil {
		return nil, err
	}
	if slices.Contains(ids, one.ID) == attach {
		return nil, errConflict
	}
	return one, call(aws.String(r.PathValue("name")), []types.Instance{{InstanceId: &one.ID}})
}

func (o original) members(r *http.Request) (ids []string, err error) {
	found, err := o.elb.DescribeLoadBalancers(r.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerNames: []string{r.PathValue("name")}})
	if err != nil {
		return nil, err
	}
	for _, member := range found.LoadBalancerDescriptions[0].Instances {
		ids = append(ids, *member.InstanceId)
	}
	return ids, nil
}

func (o original) describe(ctx context.Context, id string) (instance, error) {
	found, err := o.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return instance{}, err
	}
	one := found.Reservations[0].Instances[0]
	return instance{*one.InstanceId, string(one.InstanceType), *one.LaunchTime}, nil
}

// answer sends the response of the original, and 503 when AWS throttles.
func answer(status int, do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		content, err := do(r)
		status := cmp.Or(statusOf(err), status)
		if err != nil {
			content = err.Error()
		}
		text, err := json.Marshal(map[string]any{"message": content})
		if err != nil {
			log.Print(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		_, _ = w.Write(text)
	}
}

// statusOf returns 0 for no error.
func statusOf(err error) int {
	var code string
	if failure, ok := errors.AsType[smithy.APIError](err); ok {
		code = failure.ErrorCode()
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errConflict):
		return http.StatusConflict
	case code == "LoadBalancerNotFound":
		return http.StatusNotFound
	case code == "Throttling", code == "RequestLimitExceeded":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}
