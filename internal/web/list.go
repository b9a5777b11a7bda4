package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lsapi"
)

// Lists answers which instances are the members of a load balancer.
type Lists interface {
	// Remembered returns the list if it can be had without asking anybody, nil
	// and no error when it cannot; CodeNotFound when it is known that there is no
	// such load balancer.
	Remembered(loadBalancer string) (*lsapi.EncodedList, error)
	// Read returns the list; if fresh is set, as it was after Read was called.
	// CodeNotFound: there is no such load balancer.
	Read(ctx context.Context, loadBalancer string, fresh bool) (*lsapi.EncodedList, error)
}

// list answers from memory when it may. That is the way of almost every request,
// and it is kept free of what costs: no deadline, no lock, no encoding, and
// headers that are slices of what is there already.
func (s *server) list(x *exchange) error {
	fresh := wantsFresh(x.request.Header["Cache-Control"])
	if !fresh {
		if list, err := s.lists.Remembered(loadBalancer(x)); err != nil {
			return err
		} else if list != nil {
			return sendList(x, list)
		}
	}
	ctx, cancel := s.deadline(x)
	defer cancel()
	list, err := s.lists.Read(ctx, loadBalancer(x), fresh)
	if err != nil {
		return err
	}
	return sendList(x, list)
}

// The values of headers that never differ. Nobody changes them.
var (
	typeJSON   = []string{"application/json"}
	revalidate = []string{"no-cache"}
	varyByUser = []string{"Authorization"}
	noSniff    = []string{"nosniff"}
)

// sendList answers with the list, or with 304 to a client that has it. Caches
// may keep it, each user's apart, but must ask each time.
func sendList(x *exchange, list *lsapi.EncodedList) error {
	h := x.Header()
	h["Age"] = x.header(headerAge, strconv.FormatInt(wholeSeconds(time.Since(list.AsOf)), 10))
	h["Cache-Control"] = revalidate
	h["Etag"] = x.header(headerETag, list.ETag)
	h["Vary"] = varyByUser
	if matchesAny(x.request.Header["If-None-Match"], list.ETag) {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = typeJSON
	h["Content-Length"] = x.header(headerLength, list.Length)
	x.WriteHeader(http.StatusOK)
	_, err := x.Write(list.Body)
	return err
}

// EncodeList returns the representation of a list, without the time that it is
// as of.
func EncodeList(envelope Envelope, members []lsapi.Instance) lsapi.EncodedList {
	machines := make([]machineInfo, len(members))
	for i, member := range members {
		machines[i] = newMachineInfo(member)
	}
	body, _ := encode(envelope.value(machines)) // structs of strings always encode
	return lsapi.EncodedList{Body: body, ETag: entityTag(body), Length: strconv.Itoa(len(body))}
}

// entityTag returns the strong entity tag of a body: the same bytes have the
// same tag in every process.
func entityTag(body []byte) string {
	digest := sha256.Sum256(body)
	return `"` + hex.EncodeToString(digest[:16]) + `"`
}

// wantsFresh reports whether the fields of a Cache-Control hold the directive
// no-cache. What is malformed is ignored.
func wantsFresh(fields []string) bool {
	for _, field := range fields {
		for directive := range strings.SplitSeq(field, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-cache") {
				return true
			}
		}
	}
	return false
}

// deadline returns the context in which the request's work is done: it ends when
// the client leaves or the time is up.
func (s *server) deadline(x *exchange) (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.context(), s.timeout)
}

// wholeSeconds rounds up, and anything below zero to zero.
func wholeSeconds(d time.Duration) int64 {
	return int64((max(0, d) + time.Second - 1) / time.Second)
}
