package elb

import (
	"net/http"
	"strconv"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// list answers almost every request from memory. That path has no deadline, no lock, no
// encoding, and allocates no headers.
func (a *API) list(x *exchange.Exchange) error {
	fresh := x.RequiresFresh()
	if !fresh {
		if list, err := a.Lists.Remembered(loadBalancer(x)); err != nil {
			return err
		} else if list != nil {
			return sendList(x, list)
		}
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	list, err := a.Lists.Read(ctx, loadBalancer(x), fresh)
	if err != nil {
		return err
	}
	return sendList(x, list)
}

// The values of constant headers.
var (
	typeJSON   = []string{exchange.TypeJSON}
	revalidate = []string{"no-cache"}
	varyByUser = []string{"Authorization"}
)

// sendList answers with the list, or 304. Caches may keep it for one user, and must
// revalidate it.
func sendList(x *exchange.Exchange, list *lsapi.EncodedList) error {
	h := x.Header()
	h["Cache-Control"] = revalidate
	h["Vary"] = varyByUser
	x.SetAge(list.AsOf)
	if x.NotModified(list.ETag) {
		return nil
	}
	h["Content-Type"] = typeJSON
	x.SetHeader("Content-Length", list.Length)
	x.WriteHeader(http.StatusOK)
	_, err := x.Write(list.Body)
	return err
}

// EncodeList returns the encoded list, without its AsOf.
func EncodeList(envelope Envelope, members []lsapi.Member) lsapi.EncodedList {
	machines := make([]machineInfo, len(members))
	for i, member := range members {
		machines[i] = newMachineInfo(member.Instance)
	}
	body, _ := exchange.EncodeJSON(envelope.Wrap(machines)) // structs of strings always encode
	return lsapi.EncodedList{Body: body, ETag: exchange.EntityTag(body), Length: strconv.Itoa(len(body))}
}
