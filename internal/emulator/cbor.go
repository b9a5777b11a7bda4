package emulator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Smithy's RPC v2 CBOR, which newer SDKs speak to CloudWatch: the operation is in the
// path, and the parameters are in the body.
const (
	cborPrefix   = "/service/GraniteServiceVersion20100801/operation/"
	cborProtocol = "rpc-v2-cbor"
	cborType     = "application/cbor"
)

// cborMode writes times as CBOR tags them: seconds since 1970.
var cborMode, _ = cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode() // only unknown options fail

// MarshalCBOR writes the list without an element around it.
func (l list[T]) MarshalCBOR() ([]byte, error) {
	if l.Members == nil {
		return cborMode.Marshal([]T{})
	}
	return cborMode.Marshal(l.Members)
}

// MarshalCBOR writes the time with its tag.
func (t timestamp) MarshalCBOR() ([]byte, error) { return cborMode.Marshal(time.Time(t)) }

// serveCBOR answers a call of CloudWatch in RPC v2 CBOR.
func (e *Emulator) serveCBOR(w http.ResponseWriter, r *http.Request, requestID string) {
	c, err := e.acceptCBOR(w, r)
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
		response = map[string]string{"__type": "com.amazonaws.cloudwatch#" + cborErrors[failure.code], "message": failure.message}
		if cborErrors[failure.code] == "" {
			response = map[string]string{"__type": failure.code, "message": failure.message}
		}
	}
	body, err := cborMode.Marshal(response)
	if err != nil {
		cut(w)
		return
	}
	w.Header().Set("Content-Type", cborType)
	w.Header().Set("Smithy-Protocol", cborProtocol)
	w.Header().Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		cut(w)
	}
}

// cborErrors are the shapes of errors, which the query protocol has other names for.
var cborErrors = map[string]string{
	"InvalidParameterValue": "InvalidParameterValueException",
	"MissingParameter":      "MissingRequiredParameterException",
}

// acceptCBOR reads a call. Its service is set also when there is an error.
func (e *Emulator) acceptCBOR(w http.ResponseWriter, r *http.Request) (call, error) {
	c := call{service: e.services[cloudWatchVersion], action: strings.TrimPrefix(r.URL.Path, cborPrefix)}
	switch _, known := c.service.operations[c.action]; {
	case r.Method != http.MethodPost || r.Header.Get("Smithy-Protocol") != cborProtocol:
		return c, &apiError{http.StatusNotFound, "UnknownOperationException", "This is for POST with Smithy-Protocol: " + cborProtocol}
	case !signed(r):
		return c, errMissingAuthentication()
	case !known:
		return c, &apiError{http.StatusNotFound, "UnknownOperationException", "There is no operation " + c.action}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return c, &apiError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", err.Error()}
	}
	c.cbor = body
	return c, nil
}

// fromQuery is what parameters are read into.
type fromQuery interface{ fromQuery(query) error }

// read reads the parameters in the form in which they came.
func (c call) read(in fromQuery) error {
	if c.cbor == nil {
		return in.fromQuery(c.query)
	}
	if err := cbor.Unmarshal(c.cbor, in); err != nil {
		return refusal("SerializationException", "The body is not as it should be: %v", err)
	}
	return nil
}
