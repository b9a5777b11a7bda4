package policy

import (
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"lsapi/internal/notify"
)

// Notify is an entry of the section notify: a receiver of notifications.
type Notify struct {
	URL string
	// Pools are the pools of the entry. None: all.
	Pools Selectors
	// Events are the kinds of notifications. Nil: all.
	Events []notify.Kind
	// OutFor is how long a member must be out to be reported; 0: none is. Nil: the default of
	// the settings.
	OutFor *time.Duration
	// Format is empty for the default of the settings.
	Format notify.Format
	// SecretFile has the secrets that sign. Empty: the secrets of the settings.
	SecretFile string
	// Source is the entry's place, such as "policy.yaml:4".
	Source string
}

// notify decodes an entry of the section notify.
func (d *decoder) notify(node ast.Node) Notify {
	n := Notify{Source: d.source(node)}
	text := func(name string, set func(text string, node ast.Node)) func(ast.Node) {
		return func(node ast.Node) {
			if text, ok := d.text(node, name); ok {
				set(text, node)
			}
		}
	}
	before := len(d.problems)
	keys := d.mapping(node, "a notification", fields{
		"pools":  func(node ast.Node) { n.Pools = d.selectors(node) },
		"events": func(node ast.Node) { n.Events = d.events(node) },
		"url": text("url", func(text string, node ast.Node) {
			if err := notify.CheckURL(text); err != nil {
				d.fail(node, "url is %v", err)
			}
			n.URL = text
		}),
		"outFor": text("outFor", func(text string, node ast.Node) { n.OutFor = d.outFor(text, node) }),
		"format": text("format", func(text string, node ast.Node) {
			n.Format = notify.Format(text)
			if n.Format != notify.CloudEvents && n.Format != notify.Slack {
				d.fail(node, "format is neither %s nor %s", notify.CloudEvents, notify.Slack)
			}
		}),
		"secretFile": text("secretFile", func(text string, node ast.Node) {
			if n.SecretFile = text; text == "" {
				d.fail(node, "secretFile is empty")
			}
		}),
	})
	if keys != nil && len(d.problems) == before && !keys["url"] {
		d.fail(node, "the notification has no url")
	}
	return n
}

// outFor parses the duration that a member must be out to be reported.
func (d *decoder) outFor(text string, node ast.Node) *time.Duration {
	if text == "never" {
		return new(time.Duration)
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration <= 0 || duration > maxOutFor {
		d.fail(node, "outFor is neither never nor a positive duration of at most 24h, such as 30m")
	}
	return &duration
}

// events decodes kinds of notifications. The list is not empty.
func (d *decoder) events(node ast.Node) []notify.Kind {
	var kinds []notify.Kind
	items := d.sequence(node, "events", len(notify.Kinds()), func(node ast.Node) {
		text, ok := d.text(node, "an event")
		kind := notify.Kind(text)
		switch {
		case !ok:
		case !slices.Contains(notify.Kinds(), kind):
			d.fail(node, "%s is not one of the events %v", quote(text), notify.Kinds())
		case slices.Contains(kinds, kind):
			d.fail(node, "the event %s is in the list already", kind)
		default:
			kinds = append(kinds, kind)
		}
	})
	if items == 0 {
		d.fail(node, "events is empty")
	}
	return kinds
}

// checkNotify reports receivers that are in the list twice, and too many of them.
func (d *decoder) checkNotify(node ast.Node, all []Notify) {
	if len(all) > notify.MaxReceivers {
		d.fail(node, "notify has more than %d items", notify.MaxReceivers)
	}
	places := make(map[string]string)
	for _, n := range all {
		if first, twice := places[n.URL]; twice && n.URL != "" {
			d.fail(node, "the url of %s is that of %s; list the pools and events in one of them", n.Source, first)
		} else if !twice {
			places[n.URL] = n.Source
		}
	}
}

// maxOutFor is as in the settings.
const maxOutFor = 24 * time.Hour
