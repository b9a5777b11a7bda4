package v1

import (
	"net/http"
	"net/url"

	"lsapi/internal/web/exchange"
)

// answer writes the result of changes, or returns their error: as the last event of a stream
// that has begun, else with a status. In place of a wait it is 202, with the path at which
// the record has them, if they are on record.
func (w *writing) answer(x *exchange.Exchange, status int, result any, recorded string, err error) error {
	switch {
	case w.progress.begun():
		return w.progress.end(result, err)
	case err != nil:
		return err
	case w.async:
		status = http.StatusAccepted
		x.AppliedAsync()
		if recorded != "" {
			x.Header().Set("Location", recorded)
		}
	}
	return sendAs(x, status, result)
}

// changePath returns the path of a change. Empty if it has no id.
func changePath(id string) string {
	if id == "" {
		return ""
	}
	return "/v1/changes/" + url.PathEscape(id)
}

// bulkPath returns the path of the changes of a bulk. Empty if it has no id.
func bulkPath(id string) string {
	if id == "" {
		return ""
	}
	return "/v1/changes?bulk=" + url.QueryEscape(id)
}
