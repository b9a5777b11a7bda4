package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lsapi"
	"lsapi/internal/safefile"
)

func (p *parser) listen() string {
	address := p.text(keyListen)
	if err := CheckAddress(address); err != nil {
		p.problem(keyListen, "%v", err)
	}
	return address
}

func (p *parser) policy(check func(path string) error) string {
	path := p.text(keyPolicy)
	if path == "" {
		return ""
	}
	err := check(path)
	if listed, ok := errors.AsType[interface {
		error
		Lines() []string
	}](err); ok {
		for _, line := range listed.Lines() {
			p.problem(keyPolicy, "%s", line)
		}
	} else if err != nil {
		p.problem(keyPolicy, "%s: %s", path, message(err))
	}
	return path
}

// regionForm also matches regions that AWS has yet to open.
var regionForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

func (p *parser) region() string {
	region := p.text(keyRegion)
	if !regionForm.MatchString(region) {
		p.problem(keyRegion, "not the name of a region, such as us-east-1")
	}
	return region
}

func (p *parser) awsEndpoint() string {
	endpoint := p.text(keyAWSEndpoint)
	if endpoint == "" {
		return ""
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		p.problem(keyAWSEndpoint, "not an http or https URL, such as http://127.0.0.1:4566")
	} else if u.User != nil {
		p.problem(keyAWSEndpoint, "contains a user or a password, which AWS's protocol does not use")
	}
	return endpoint
}

// maxDuration is longer than any sensible value, and does not overflow in sums.
const maxDuration = 24 * time.Hour

func (p *parser) duration(key string) time.Duration {
	d, err := time.ParseDuration(p.text(key))
	if err != nil || d <= 0 || d > maxDuration {
		p.problem(key, "not a positive duration of at most 24h, such as 30s or 1m30s")
	}
	return d
}

// checkBounds compares the bounds with each other. It skips those that are invalid by
// themselves, which are zero or negative.
func (p *parser) checkBounds(cfg Config) {
	if cfg.MaxStaleness <= 0 {
		return
	}
	if cfg.MaxStaleOnError > 0 && cfg.MaxStaleOnError < cfg.MaxStaleness {
		p.shorter(keyMaxStaleOnError, cfg.MaxStaleOnError, cfg.MaxStaleness)
	}
	if cfg.IdleAfter > 0 && cfg.IdleAfter < cfg.MaxStaleness {
		p.shorter(keyIdleAfter, cfg.IdleAfter, cfg.MaxStaleness)
	}
}

// shorter adds the problem of a duration below the staleness. It names both values,
// since either may be a default.
func (p *parser) shorter(key string, d, staleness time.Duration) {
	from := cmp.Or(p.origin(keyMaxStaleness), "the default")
	text := fmt.Sprintf("shorter than --%s, which is %v (%s); it is %v", keyMaxStaleness, staleness, from, d)
	if p.origin(key) == "" {
		text += ", the default"
	}
	p.problem(key, "%s", text)
}

// kinds parses kinds of pools, which it returns in lsapi's order.
func (p *parser) kinds() (kinds []lsapi.Kind) {
	given := strings.Split(p.text(keyKinds), ",")
	for i, text := range given {
		given[i] = strings.TrimSpace(text)
		if !lsapi.Kind(given[i]).IsKnown() {
			p.problem(keyKinds, "entry %d is neither elb nor tg", i+1)
		}
	}
	for _, kind := range []lsapi.Kind{lsapi.KindELB, lsapi.KindTG} {
		if slices.Contains(given, string(kind)) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// budget parses sizes of the form burst+refill, such as 40+10.
func (p *parser) budget() map[string]Bucket {
	budget := make(map[string]Bucket)
	for _, s := range budgetSettings() {
		burstText, rateText, _ := strings.Cut(p.text(s.key), "+")
		burst, err := strconv.Atoi(burstText)
		rate, rateErr := strconv.ParseFloat(rateText, 64)
		if err != nil || rateErr != nil || burst < 1 || rate <= 0 || math.IsInf(rate, 0) || math.IsNaN(rate) {
			p.problem(s.key, "not a size of the form burst+refill, such as 40+10: a whole number from 1, and a number above 0")
		}
		budget[strings.TrimPrefix(s.key, budgetPrefix)] = Bucket{burst, rate}
	}
	return budget
}

// prefixes accepts single addresses and CIDR ranges.
func (p *parser) prefixes(key string) []netip.Prefix {
	text := p.text(key)
	if text == "" {
		return nil
	}
	var prefixes []netip.Prefix
	for i, entry := range strings.Split(text, ",") {
		prefix, ok := parsePrefix(strings.TrimSpace(entry))
		if !ok {
			p.problem(key, "entry %d is neither an address nor a range such as 10.0.0.0/8", i+1)
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func parsePrefix(text string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), true
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(address, address.BitLen()), true
}

func (p *parser) logLevel() slog.Level {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[strings.ToLower(p.text(keyLogLevel))]
	if !ok {
		p.problem(keyLogLevel, "not debug, info, warn or error")
	}
	return level
}

// checkTimeZone validates TZ as package time reads it, which uses UTC for an invalid one.
func (p *parser) checkTimeZone() {
	zone := strings.TrimPrefix(p.text(keyTimeZone), ":")
	var err error
	if filepath.IsAbs(zone) {
		var data []byte
		if data, err = safefile.Read(zone, maxZoneSize); err == nil {
			_, err = time.LoadLocationFromTZData(zone, data)
		}
	} else {
		_, err = time.LoadLocation(zone)
	}
	if err != nil {
		p.problem(keyTimeZone, "not a time zone, such as Europe/Berlin")
	}
}

// checkAWS adds the problems of the AWS SDK's variables.
func (p *parser) checkAWS(check func(value func(string) string, report func(variable, problem string))) {
	if check == nil {
		return
	}
	value := func(variable string) string {
		text, _ := p.variable(variable)
		return text
	}
	check(value, func(variable, problem string) {
		_, origin := p.variable(variable)
		p.problems = append(p.problems, variable+": "+problem+"; it is "+origin)
	})
}

// maxZoneSize is far more than a file of a time zone has.
const maxZoneSize = 1 << 20

var storeSchemes = []string{"sqlite", "postgres", "postgresql"}

// defaultStore is the file of the record, in the state directory if that is set.
const defaultStore = "lsapi.db"

func (p *parser) store() Secret {
	text := p.text(keyStore)
	if text == "" && p.origin(keyStore) != "" {
		p.problem(keyStore, "empty; give the URL of the record, or do not set it at all for a record of this process in %s", defaultStore)
	}
	if text == "" {
		// systemd separates several directories by colons.
		directory, _, _ := strings.Cut(p.text(keyStateDirectory), ":")
		return Secret("sqlite:" + filepath.Join(directory, defaultStore))
	}
	scheme, rest, _ := strings.Cut(text, ":")
	if !slices.Contains(storeSchemes, scheme) || rest == "" {
		p.problem(keyStore, "not a URL such as sqlite:///var/lib/lsapi/lsapi.db or postgres://user:password@host/database")
	}
	return Secret(text)
}

// maxKeepDays is a century, which fits into a time.Duration.
const maxKeepDays = 36500

func (p *parser) keepChanges() time.Duration {
	text := p.text(keyKeepChanges)
	if text == "forever" {
		return 0
	}
	number, isDays := strings.CutSuffix(text, "d")
	days, err := strconv.Atoi(number)
	if !isDays || err != nil || days < 1 || days > maxKeepDays {
		p.problem(keyKeepChanges, "neither forever nor a number of days, such as 400d")
		return 0
	}
	return time.Duration(days) * 24 * time.Hour
}

// oneOf returns a setting that must have one of two values.
func oneOf[T ~string](p *parser, key string, first, second T) T {
	value := T(p.text(key))
	if !slices.Contains([]T{first, second}, value) {
		p.problem(key, "neither %s nor %s", first, second)
	}
	return value
}
