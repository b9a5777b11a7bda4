// Package status is the one table of error codes and HTTP statuses. The service
// answers by it, and the client reads answers by it.
package status

import (
	"net/http"
	"slices"

	"lsapi"
)

// Header is the response header that holds the code of an error: several codes
// have the same status, and the body of the contract's errors holds only a text.
const Header = "X-Error-Code"

// row is the status of a code.
type row struct {
	code   lsapi.Code
	status int
}

// table has the codes by status. The first of several codes with one status is what
// the status alone means.
var table = []row{
	{lsapi.CodeInvalid, http.StatusBadRequest},
	{lsapi.CodeUnauthenticated, http.StatusUnauthorized},
	{lsapi.CodeDenied, http.StatusForbidden},
	{lsapi.CodeNotFound, http.StatusNotFound},
	{lsapi.CodeNotMember, http.StatusNotFound},
	{lsapi.CodeMethodNotAllowed, http.StatusMethodNotAllowed},
	{lsapi.CodeWaitTimeout, http.StatusRequestTimeout},
	{lsapi.CodeConflict, http.StatusConflict},
	{lsapi.CodeInProgress, http.StatusConflict},
	{lsapi.CodeNotChangeable, http.StatusConflict},
	{lsapi.CodeBulkFailed, http.StatusConflict},
	{lsapi.CodeBulkSkipped, http.StatusConflict},
	{lsapi.CodeSuperseded, http.StatusConflict},
	{lsapi.CodeNotUndoable, http.StatusConflict},
	{lsapi.CodeMinInService, http.StatusConflict},
	{lsapi.CodeMinPerZone, http.StatusConflict},
	{lsapi.CodeMaxOut, http.StatusConflict},
	{lsapi.CodeKeepLast, http.StatusConflict},
	{lsapi.CodeFreeze, http.StatusConflict},
	{lsapi.CodeGone, http.StatusGone},
	{lsapi.CodePrecondition, http.StatusPreconditionFailed},
	{lsapi.CodeTooLarge, http.StatusRequestEntityTooLarge},
	{lsapi.CodeKeyReused, http.StatusUnprocessableEntity},
	{lsapi.CodeInternal, http.StatusInternalServerError},
	{lsapi.CodeUpstream, http.StatusBadGateway},
	{lsapi.CodeUnavailable, http.StatusServiceUnavailable},
	{lsapi.CodeThrottled, http.StatusServiceUnavailable},
	{lsapi.CodeHealthUnknown, http.StatusServiceUnavailable},
	{lsapi.CodeTagsUnknown, http.StatusServiceUnavailable},
	{lsapi.CodeTimeout, http.StatusGatewayTimeout},
	{lsapi.CodeWaitFailed, http.StatusGatewayTimeout},
}

// fromProxies are statuses of which proxies mean something else than the service
// does, or that the service does not use.
var fromProxies = map[int]lsapi.Code{
	http.StatusRequestTimeout:  lsapi.CodeTimeout, // the proxy's own patience
	http.StatusTooManyRequests: lsapi.CodeThrottled,
}

// Codes returns the codes that clients can get.
func Codes() []lsapi.Code {
	codes := make([]lsapi.Code, len(table))
	for i, r := range table {
		codes[i] = r.code
	}
	return codes
}

// Public returns the code that a client gets for an error of the service. That AWS
// refuses the service's own credentials is for the log alone, and so are codes that
// the table lacks.
func Public(code lsapi.Code) lsapi.Code {
	if code == lsapi.CodeForbidden {
		return lsapi.CodeUpstream
	}
	if slices.ContainsFunc(table, func(r row) bool { return r.code == code }) {
		return code
	}
	return lsapi.CodeInternal
}

// Of returns the status of a code.
func Of(code lsapi.Code) int {
	public := Public(code)
	return table[slices.IndexFunc(table, func(r row) bool { return r.code == public })].status
}

// Code returns the code of an answer with a status and the value of Header, which is
// empty for answers of proxies and for codes that this version does not know.
func Code(status int, header string) lsapi.Code {
	if slices.Contains(table, row{lsapi.Code(header), status}) {
		return lsapi.Code(header)
	}
	if code, ok := fromProxies[status]; ok && header == "" {
		return code
	}
	if i := slices.IndexFunc(table, func(r row) bool { return r.status == status }); i >= 0 {
		return table[i].code
	}
	return lsapi.CodeInternal
}
