package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"lsapi"
	"lsapi/internal/sanitize"
)

const (
	// maxMembers is the service's limit on the members of a request.
	maxMembers = 1000
	// maxShown is the number of characters that a message quotes of what is no member: the
	// longest one has 47.
	maxShown = 60
	// stdinFile is the name of a file that stands for stdin.
	stdinFile = "-"
)

// memberText is a member as the caller wrote it.
type memberText struct {
	text string
	// where is its place in a file, as the beginning of a message. Empty: an argument.
	where string
}

// changeRequest is what one request changes.
type changeRequest struct {
	pool    lsapi.PoolID
	members []lsapi.MemberID
}

// newChangeRequests returns a request for each pool. The members are those of each pool.
func newChangeRequests(pools []lsapi.PoolID, texts []memberText) ([]changeRequest, error) {
	requests := make([]changeRequest, len(pools))
	for i, pool := range pools {
		if slices.Contains(pools[:i], pool) {
			return nil, usagef("%s is named twice", pool.Path())
		}
		members, err := parseMembers(pool.Kind, texts)
		if err != nil {
			return nil, err
		}
		requests[i] = changeRequest{pool, members}
	}
	return requests, nil
}

// parseMembers parses the ids of members of a pool of a kind.
func parseMembers(kind lsapi.Kind, texts []memberText) ([]lsapi.MemberID, error) {
	members := make([]lsapi.MemberID, len(texts))
	named := make(map[lsapi.MemberID]bool, len(texts))
	for i, t := range texts {
		member, err := lsapi.ParseMember(kind, t.text)
		switch {
		case err != nil:
			return nil, usagef("%s%s is not the id of a member: %s", t.where, sanitize.Escape(ansi.Truncate(t.text, maxShown, "…")), lsapi.AsError(err).Message)
		case named[member]:
			return nil, usagef("%s%s is named twice", t.where, t.text)
		}
		members[i], named[member] = member, true
	}
	return members, nil
}

// memberTexts returns the members of the arguments, then those of a file, unless its name is
// empty.
func memberTexts(p Process, arguments []string, file string) ([]memberText, error) {
	var texts []memberText
	for _, a := range arguments {
		texts = append(texts, memberText{text: a})
	}
	if file != "" {
		found, err := readMembers(p, file)
		if err != nil {
			return nil, usagef("--file: %w", err)
		}
		texts = append(texts, found...)
	}
	switch {
	case len(texts) == 0 && file != "":
		return nil, usagef("%s names no members", shownFile(file))
	case len(texts) == 0:
		return nil, usagef("no members: name them, or a file with one on each line (-f)")
	case len(texts) > maxMembers:
		return nil, usagef("%d members: a request takes at most %d", len(texts), maxMembers)
	}
	return texts, nil
}

// shownFile returns the name of a file for messages.
func shownFile(file string) string {
	if file == stdinFile {
		return "stdin"
	}
	return sanitize.Escape(file)
}

// readMembers returns the members in a file, one on each line. A # begins a comment.
func readMembers(p Process, file string) (texts []memberText, err error) {
	var from io.Reader = strings.NewReader("")
	switch {
	case file != stdinFile:
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		from = opened
	case p.Stdin != nil:
		from = p.Stdin
	}
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			texts = append(texts, memberText{text, fmt.Sprintf("%s:%d: ", shownFile(file), n)})
		}
		if len(texts) > maxMembers {
			return texts, nil // the caller rejects them
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("%s is not a list of members: it has a line of more than 64 KiB", shownFile(file))
	}
	return texts, lines.Err()
}
