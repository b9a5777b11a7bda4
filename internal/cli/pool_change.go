package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lsapi"
)

func (g poolGroup) attach() *cobra.Command {
	run := &changeRun{action: lsapi.Attach}
	return g.change("attach", run, completed{former: true}, func(flags *pflag.FlagSet) {
		flags.BoolVar(&run.lenient, "ensure", false, "accept members that are attached already; --wait applies to them too")
		run.addAtomic(flags)
	})
}

func (g poolGroup) detach() *cobra.Command {
	run := &changeRun{action: lsapi.Detach}
	return g.change("detach", run, completed{members: true}, func(flags *pflag.FlagSet) {
		flags.BoolVar(&run.lenient, "ensure", false, "accept members that are detached already; --wait applies to them too")
		run.addAtomic(flags)
		run.addMinimum(flags)
	})
}

// addAtomic adds the flag of attach and detach alone: a set has no such request.
func (c *changeRun) addAtomic(flags *pflag.FlagSet) {
	flags.BoolVar(&c.atomic, "atomic", false, "change none of the members if one is refused before AWS is called")
}

func (g poolGroup) set() *cobra.Command {
	run := &changeRun{lenient: true}
	return g.change("set", run, completed{members: true, former: true}, func(flags *pflag.FlagSet) {
		flags.BoolVar(&run.additive, "additive", false, "attach the missing members, and detach none")
		run.addMinimum(flags)
	})
}

// change returns a command that changes members of pools.
func (g poolGroup) change(name string, run *changeRun, which completed, add func(*pflag.FlagSet)) *cobra.Command {
	command := g.newCommand(name)
	command.Args, command.ValidArgsFunction = cobra.MinimumNArgs(1), g.completeMembers(which)
	flags := command.Flags()
	run.add(flags)
	add(flags)
	file := flags.StringP("file", "f", "", "`file` with more members, one on each line; - is stdin")
	withServiceView(command, g.p, listFormats, func(ctx context.Context, service *remote, v *view, arguments []string) error {
		names := strings.Split(arguments[0], ",")
		if err := cmp.Or(run.check(flags), run.checkPools(len(names))); err != nil {
			return err
		}
		texts, err := memberTexts(g.p, arguments[1:], *file)
		if err != nil {
			return err
		}
		pools, err := g.pools(ctx, service, names)
		if err != nil {
			return err
		}
		requests, err := newChangeRequests(pools, texts)
		if err != nil {
			return err
		}
		run.p, run.service, run.quiet = g.p, service, v.quiet
		results := run.all(ctx, requests)
		warn(g.p.Stderr, results)
		return g.suggest(ctx, service, run.report(v, results), pools...)
	})
	return command
}

// checkPools rejects flags that are for one request.
func (c *changeRun) checkPools(count int) error {
	for _, flag := range []struct {
		name  string
		given bool
	}{{"if-match", c.ifMatch != ""}, {"key", c.key != ""}, {"atomic", c.atomic}} {
		if flag.given && count > 1 {
			return usagef("--%s is for one pool: each pool is changed by a request of its own", flag.name)
		}
	}
	return nil
}
