package wire

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

// Newer clients name the operation outside the body: in the path with Smithy RPC v2
// CBOR, in the header X-Amz-Target with AWS JSON 1.0. Errors have a shape name in the
// body and the query protocol's code in a header (awsQueryCompatible).

func (a *API) cborPrefix() string { return "/service/" + a.Target + "/operation/" }

// RPC returns the encoding and the action of an RPC request to this API. The encoding
// is nil for a request in the query protocol.
func (a *API) RPC(r *http.Request) (encoding *Encoding, action string) {
	if action, ok := strings.CutPrefix(r.URL.Path, a.cborPrefix()); ok {
		return cborEncoding(), action
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return jsonEncoding(), strings.TrimPrefix(target, a.Target+".")
	}
	return nil, ""
}

// ReadRPC checks the request and reads the call's body.
func (c *Call) ReadRPC(w http.ResponseWriter, r *http.Request) error {
	isCBOR := strings.HasPrefix(r.URL.Path, c.API.cborPrefix())
	unsupported := func(format string, args ...any) error {
		return &Error{c.Encoding.unsupported, "UnknownOperationException", fmt.Sprintf(format, args...)}
	}
	switch _, ok := c.API.Operations[c.Action]; {
	case r.Method != http.MethodPost, isCBOR && r.Header.Get("Smithy-Protocol") != cborProtocol:
		return unsupported("This is for POST with Smithy-Protocol: %s, or with X-Amz-Target", cborProtocol)
	case !isCBOR && (r.URL.Path != "/" || !strings.HasPrefix(r.Header.Get("X-Amz-Target"), c.API.Target+".")):
		return unsupported("There is no API of %s at %s", r.Header.Get("X-Amz-Target"), r.URL.Path)
	case !isCBOR && !strings.HasPrefix(r.Header.Get("Content-Type"), c.Encoding.contentType):
		return unsupported("The Content-Type must be %s", c.Encoding.contentType)
	case !Signed(r):
		return MissingAuthentication()
	case !ok:
		return unsupported("There is no operation %s", c.Action)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		return errBodyTooLarge(err)
	}
	c.Body = body
	return nil
}

// WriteRPC sends the response of the call, or its error.
func (c *Call) WriteRPC(w http.ResponseWriter, requestID string, response any, err error) {
	if errors.Is(err, ErrCut) {
		Cut(w)
		return
	}
	status := http.StatusOK
	if err != nil {
		failure := c.API.errorOf(err)
		status = failure.Status
		w.Header().Set("X-Amzn-Query-Error", failure.Code+";"+faultOf(status))
		response = map[string]string{"__type": c.API.ErrorShape(failure.Code), "message": failure.Message}
	}
	body, err := c.Encoding.marshal(response)
	if err != nil {
		Cut(w)
		return
	}
	maps.Copy(w.Header(), c.Encoding.header)
	w.Header().Set("Content-Type", c.Encoding.contentType)
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		Cut(w)
	}
}

// Input is the parameters of an operation that all protocols can call.
type Input interface{ FromQuery(Query) error }

// Decode reads the parameters in the protocol of the call.
func (c Call) Decode(in Input) error {
	if c.Encoding == nil {
		return in.FromQuery(c.Query)
	}
	if err := c.Encoding.unmarshal(c.Body, in); err != nil {
		return BadRequest("SerializationException", "The body cannot be decoded: %v", err)
	}
	return nil
}
