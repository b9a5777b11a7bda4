package config

import (
	"strings"
	"time"

	"lsapi/internal/notify"
)

func (p *parser) notify() Notify {
	return Notify{
		URLs:    p.notifyURLs(),
		Format:  oneOf(p, keyNotifyFormat, notify.CloudEvents, notify.Slack),
		Secrets: p.notifySecrets(),
		OutFor:  p.notifyOutFor(),
		Allow:   p.prefixes(keyNotifyAllow),
	}
}

func (p *parser) notifyURLs() []Secret {
	text := p.text(keyNotify)
	if text == "" {
		return nil
	}
	var urls []Secret
	for i, entry := range strings.Split(text, ",") {
		entry = strings.TrimSpace(entry)
		if err := notify.CheckURL(entry); err != nil {
			p.problem(keyNotify, "entry %d is %v", i+1, err)
		}
		urls = append(urls, Secret(entry))
	}
	if len(urls) > notify.MaxReceivers {
		p.problem(keyNotify, "more than %d URLs", notify.MaxReceivers)
	}
	return urls
}

func (p *parser) notifySecrets() []notify.Secret {
	text, path := p.text(keyNotifySecret), p.text(keyNotifyFile)
	switch {
	case text != "" && path != "":
		p.problem(keyNotifySecret, "set beside %s; use one of them", name(keyNotifyFile))
	case text != "":
		secrets, err := notify.ParseSecrets(text)
		if err != nil {
			p.problem(keyNotifySecret, "%v", err)
		}
		return secrets
	case path != "":
		secrets, err := notify.ReadSecrets(path)
		if err != nil {
			p.problem(keyNotifyFile, "%s: %v", path, err)
		}
		return secrets
	}
	return nil
}

// notifyOutFor returns 0 for never.
func (p *parser) notifyOutFor() time.Duration {
	if p.text(keyNotifyOutFor) == "never" {
		return 0
	}
	return p.duration(keyNotifyOutFor)
}
