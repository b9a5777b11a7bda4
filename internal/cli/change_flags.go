package cli

import (
	"cmp"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/pflag"

	"lsapi/client"
)

const (
	// defaultWait is twice the default limit of a drain in AWS, and of the time that slow
	// health checks take to put a member in service.
	defaultWait = 10 * time.Minute
	// maxReason is the service's limit on the length of a reason.
	maxReason = 256
)

// changeFlags are the flags of all commands that change members.
type changeFlags struct {
	wait         bool
	timeout      time.Duration
	dryRun       bool
	reason       string
	key          string
	ifMatch      string
	override     string
	minInService int
}

func (f *changeFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.wait, "wait", false, "wait until the members are in service, or drained")
	flags.DurationVar(&f.timeout, "timeout", defaultWait, "maximum `duration` of --wait")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would happen, and change nothing")
	flags.StringVar(&f.reason, "reason", "", "`reason` for the record, at most 256 characters")
	flags.StringVar(&f.key, "key", "", "idempotency `key`: with the same one, the change is made once in 24 hours")
	flags.StringVar(&f.ifMatch, "if-match", "", "change the members only if their `version` is this one, as show prints it")
	flags.StringVar(&f.override, "override", "", "override the guards of the pool, for this `reason`")
}

// addMinimum adds the flag of commands that may detach.
func (f *changeFlags) addMinimum(flags *pflag.FlagSet) {
	flags.IntVar(&f.minInService, "min-in-service", 0, "refuse a detach that would leave fewer than this `number` of members in service")
}

// The forms of keys and versions.
var (
	keyForm     = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)
	versionForm = regexp.MustCompile(`^(\*|"?[0-9a-f]{32}"?)$`)
)

// check validates the flags.
func (f *changeFlags) check(flags *pflag.FlagSet) error {
	switch {
	case flags.Changed("timeout") && !f.wait:
		return usagef("--timeout is for --wait")
	case f.timeout <= 0:
		return usagef("--timeout is not a positive duration, such as 90s or 5m")
	case flags.Changed("override") && f.override == "":
		return usagef("--override is empty: it takes the reason")
	case flags.Changed("key") && !keyForm.MatchString(f.key):
		return usagef("--key is not 1 to 128 visible ASCII characters")
	case flags.Changed("if-match") && !versionForm.MatchString(f.ifMatch):
		return usagef("--if-match is not a version, which lsapi pool show prints")
	case flags.Changed("min-in-service") && f.minInService < 1:
		return usagef("--min-in-service is not a number above 0")
	}
	return cmp.Or(f.checkDryRun(), checkReason("reason", f.reason), checkReason("override", f.override))
}

// checkDryRun rejects flags that a dry run does not take.
func (f *changeFlags) checkDryRun() error {
	switch {
	case f.dryRun && f.wait:
		return usagef("--dry-run changes nothing: there is nothing to --wait for")
	case f.dryRun && f.key != "":
		return usagef("--dry-run changes nothing: it takes no --key")
	}
	return nil
}

// checkReason rejects a text that is no reason.
func checkReason(flag, text string) error {
	for _, r := range text {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return usagef("--%s is not text on one line", flag)
		}
	}
	if utf8.RuneCountInString(text) > maxReason {
		return usagef("--%s has more than %d characters", flag, maxReason)
	}
	return nil
}

// options returns the options of one request.
func (f *changeFlags) options() client.ChangeOptions {
	return client.ChangeOptions{
		Reason: f.reason, IdempotencyKey: cmp.Or(f.key, uuid.NewString()), DryRun: f.dryRun,
		IfMatch: f.ifMatch, Override: f.override, MinInService: f.minInService,
	}
}
