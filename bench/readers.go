package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	readerPeriod = 10 * time.Second
	readersLast  = time.Minute // the lifetime of instance metadata
	readersFleet = 100         // load balancers, as in readFleet
	// readersWait limits the requests in flight: the original takes a second for each.
	readersWait = 500
)

// measureReaders counts AWS calls while more and more readers read a list every ten seconds,
// through lsapi and through the original, each with an AWS of its own.
func measureReaders(ctx context.Context, b *bench, s *report.Section) error {
	aws := []string{"--fleet", readFleet, "--latency", awsLatency}
	p, err := b.startFilledPair(ctx, aws...)
	if err != nil {
		return err
	}
	defer p.stop()
	original, err := b.startPair(ctx, launch{original: true}, aws...)
	if err != nil {
		return err
	}
	defer original.stop()
	numbers, period, lasts := []int{1, 10, 100, 1000}, readerPeriod, readersLast
	if b.quick {
		numbers, period, lasts = []int{1, 10, 100}, time.Second, 3*time.Second
	}
	all := []readers{{name: lsapiName, pair: p}, {name: originalName, pair: original}}
	for _, n := range numbers {
		err := together(all, func(r *readers) error { return r.count(ctx, n, float64(n)/period.Seconds(), lasts) })
		if err != nil {
			return err
		}
		s.Add(report.Row{
			Name: fmt.Sprintf("readers: %d, AWS calls", n), Unit: "1/min", Figure: all[0].latest(),
			Beside: []report.Yardstick{{Name: originalName, Figure: all[1].latest()}},
		})
	}
	s.Add(report.Row{
		Name: fmt.Sprintf("AWS calls with %d readers, of those with 1", numbers[len(numbers)-1]), Unit: "x", Aim: report.AtMost(1.1),
		Figure: report.FigureOf(all[0].growth()), Beside: []report.Yardstick{{Name: originalName, Figure: report.FigureOf(all[1].growth())}},
	})
	s.Curves = []report.Curve{all[0].curve("lsapi", period), all[1].curve("a service that calls AWS on each request", period)}
	return nil
}

// readers are the readers of one service.
type readers struct {
	name string
	pair
	points [][]float64 // readers, AWS calls a minute
}

// count reads all lists in turn, and adds a point.
func (r *readers) count(ctx context.Context, n int, perSecond float64, lasts time.Duration) error {
	began := time.Now()
	calls, err := r.aws.callsIn(ctx, func() error {
		said := load.Steady{
			PerSecond: perSecond, Duration: lasts, Connections: min(n, readersWait),
			Request: func(ctx context.Context, i int) (*http.Request, error) {
				return r.service.request(ctx, http.MethodGet, path(i%readersFleet+1), "")
			},
		}.Run(ctx)
		if said.Failed() > 0 {
			return fmt.Errorf("%s: %d of %d reads failed", r.name, said.Failed(), said.Failed()+said.Succeeded())
		}
		return pause(ctx, time.Until(began.Add(lasts)))
	})
	r.points = append(r.points, []float64{float64(n), float64(calls) / time.Since(began).Minutes()})
	return err
}

func (r *readers) latest() report.Figure { return report.FigureOf(r.points[len(r.points)-1][1]) }

// growth returns the ratio of the last point to the first.
func (r *readers) growth() float64 { return r.points[len(r.points)-1][1] / r.points[0][1] }

func (r *readers) curve(label string, period time.Duration) report.Curve {
	return report.Curve{
		Plot: report.CallsOverReads, Series: label, Columns: []string{"readers", "AWS calls/min"}, Points: r.points,
		Caption: fmt.Sprintf("each reader reads one of %d lists of 20 members every %.0f s; the emulated AWS takes 50 ms a call", readersFleet, period.Seconds()),
	}
}
