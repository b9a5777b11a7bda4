package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// CloudWatch has two protocols beside query, in which newer clients send the operation
// outside the body: Smithy's RPC v2 CBOR names it in the path, AWS JSON 1.0 in a header.
// Both name errors as shapes, and in a header as the query protocol does
// (awsQueryCompatible).
const (
	cborPrefix   = "/service/GraniteServiceVersion20100801/operation/"
	cborProtocol = "rpc-v2-cbor"
	targetPrefix = "GraniteServiceVersion20100801."
)

// encoding is how such a protocol writes parameters and answers.
type encoding struct {
	contentType string
	// header is of every answer, beside the content type.
	header http.Header
	// noOperation is the status for an operation that does not exist; of JSON it is
	// inferred from other services.
	noOperation int
	marshal     func(any) ([]byte, error)
	unmarshal   func([]byte, any) error
}

// cborMode writes times as CBOR tags them: seconds since 1970.
var cborMode, _ = cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode() // only unknown options fail

func cborEncoding() *encoding {
	return &encoding{
		contentType: "application/cbor", header: http.Header{"Smithy-Protocol": {cborProtocol}},
		noOperation: http.StatusNotFound, marshal: cborMode.Marshal, unmarshal: cbor.Unmarshal,
	}
}

func jsonEncoding() *encoding {
	return &encoding{
		contentType: "application/x-amz-json-1.0", noOperation: http.StatusBadRequest,
		marshal: json.Marshal, unmarshal: json.Unmarshal,
	}
}

// rpc returns the encoding and the operation of a call in such a protocol; nil for a
// call in the query protocol.
func rpc(r *http.Request) (used *encoding, action string) {
	if action, is := strings.CutPrefix(r.URL.Path, cborPrefix); is {
		return cborEncoding(), action
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return jsonEncoding(), strings.TrimPrefix(target, targetPrefix)
	}
	return nil, ""
}

// serveRPC answers a call of CloudWatch.
func (e *Emulator) serveRPC(w http.ResponseWriter, r *http.Request, used *encoding, action, requestID string) {
	c := call{service: e.services[cloudWatchVersion], action: action, encoding: used}
	err := c.readRPC(w, r)
	var response any
	if err == nil {
		e.calls.count(c.action)
		response, err = e.answer(r.Context(), c)
	}
	if errors.Is(err, errCut) {
		cut(w)
		return
	}
	status := http.StatusOK
	if err != nil {
		failure, ok := errors.AsType[*apiError](err)
		if !ok {
			failure = &c.service.broken
		}
		status = failure.status
		w.Header().Set("X-Amzn-Query-Error", failure.code+";"+blame(status))
		response = map[string]string{"__type": shapeOf(failure.code), "message": failure.message}
	}
	body, err := used.marshal(response)
	if err != nil {
		cut(w)
		return
	}
	maps.Copy(w.Header(), used.header)
	w.Header().Set("Content-Type", used.contentType)
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		cut(w)
	}
}

// shapeOf returns the shape of an error, for which the query protocol has another name.
func shapeOf(code string) string {
	switch code {
	case "InvalidParameterValue":
		return "com.amazonaws.cloudwatch#InvalidParameterValueException"
	case "MissingParameter":
		return "com.amazonaws.cloudwatch#MissingRequiredParameterException"
	case "InvalidNextToken":
		return "com.amazonaws.cloudwatch#InvalidNextToken"
	}
	return code
}

// readRPC reads the parameters of a call.
func (c *call) readRPC(w http.ResponseWriter, r *http.Request) error {
	isCBOR := strings.HasPrefix(r.URL.Path, cborPrefix)
	noOperation := func(format string, args ...any) error {
		return &apiError{c.encoding.noOperation, "UnknownOperationException", fmt.Sprintf(format, args...)}
	}
	switch _, known := c.service.operations[c.action]; {
	case r.Method != http.MethodPost, isCBOR && r.Header.Get("Smithy-Protocol") != cborProtocol:
		return noOperation("This is for POST with Smithy-Protocol: %s, or with X-Amz-Target", cborProtocol)
	case !isCBOR && (r.URL.Path != "/" || !strings.HasPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)):
		return noOperation("There is no API of %s at %s", r.Header.Get("X-Amz-Target"), r.URL.Path)
	case !isCBOR && !strings.HasPrefix(r.Header.Get("Content-Type"), c.encoding.contentType):
		return noOperation("The Content-Type must be %s", c.encoding.contentType)
	case !signed(r):
		return errMissingAuthentication()
	case !known:
		return noOperation("There is no operation %s", c.action)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error()}
	}
	c.body = body
	return nil
}

// fromQuery is what parameters are read into.
type fromQuery interface{ fromQuery(query) error }

// read reads the parameters in the form in which they came.
func (c call) read(in fromQuery) error {
	if c.encoding == nil {
		return in.fromQuery(c.query)
	}
	if err := c.encoding.unmarshal(c.body, in); err != nil {
		return refusal("SerializationException", "The body is not as it should be: %v", err)
	}
	return nil
}

// moment is a time among the parameters.
type moment struct{ time.Time }

// UnmarshalCBOR reads the time with its tag.
func (m *moment) UnmarshalCBOR(text []byte) error { return cbor.Unmarshal(text, &m.Time) }

// UnmarshalJSON reads seconds since 1970, as the protocol has them, or RFC 3339.
func (m *moment) UnmarshalJSON(text []byte) error {
	var seconds float64
	if json.Unmarshal(text, &seconds) != nil {
		return m.Time.UnmarshalJSON(text)
	}
	whole, part := math.Modf(seconds)
	m.Time = time.Unix(int64(whole), int64(part*1e9))
	return nil
}

// MarshalCBOR writes the list without an element around it.
func (l list[T]) MarshalCBOR() ([]byte, error) { return cborMode.Marshal(l.plain()) }

// MarshalJSON writes the list without an element around it.
func (l list[T]) MarshalJSON() ([]byte, error) { return json.Marshal(l.plain()) }

// plain returns the members; an empty list is no null.
func (l list[T]) plain() []T {
	if l.Members == nil {
		return []T{}
	}
	return l.Members
}

// MarshalCBOR writes the time with its tag.
func (t timestamp) MarshalCBOR() ([]byte, error) { return cborMode.Marshal(time.Time(t)) }

// MarshalJSON writes the time as seconds since 1970.
func (t timestamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(t).UnixMilli()) / 1000)
}
