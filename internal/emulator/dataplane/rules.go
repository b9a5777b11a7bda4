package dataplane

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// matches reports whether a rule applies to a request. The path is compared as it was
// sent, and hosts without regard to case.
func (r Rule) matches(request *http.Request) bool {
	host, _, err := net.SplitHostPort(request.Host)
	if err != nil {
		host = request.Host
	}
	path := request.URL.EscapedPath()
	return (len(r.Hosts) == 0 || slices.ContainsFunc(r.Hosts, func(p string) bool { return wildcard(strings.ToLower(p), strings.ToLower(host)) })) &&
		(len(r.Paths) == 0 || slices.ContainsFunc(r.Paths, func(p string) bool { return wildcard(p, path) }))
}

// wildcard reports whether a text matches a pattern in which * is any text and ? is any
// character.
func wildcard(pattern, text string) bool {
	star, resume := -1, 0 // the last star, and where the text after it begins
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// write writes a fixed response.
func (f *FixedResponse) write(w http.ResponseWriter) {
	if f.ContentType != "" {
		w.Header().Set("Content-Type", f.ContentType)
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body)) // the client may have disconnected
}

// write redirects a request to a listener's port. #{port} is the port that the client used,
// which is not the listener's on this machine.
func (d *Redirect) write(w http.ResponseWriter, r *http.Request, port int) {
	host, used, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, used = r.Host, strconv.Itoa(port)
	}
	expand := strings.NewReplacer(
		"#{protocol}", "http", "#{host}", host, "#{port}", used,
		"#{path}", strings.TrimPrefix(r.URL.EscapedPath(), "/"), "#{query}", r.URL.RawQuery,
	).Replace
	location := strings.ToLower(expand(d.Protocol)) + "://" + net.JoinHostPort(expand(d.Host), expand(d.Port)) + expand(d.Path)
	if query := expand(d.Query); query != "" {
		location += "?" + query
	}
	w.Header().Set("Location", location)
	w.WriteHeader(d.Status)
}
