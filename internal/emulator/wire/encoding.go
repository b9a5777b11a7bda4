package wire

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/fxamacker/cbor/v2"
)

const cborProtocol = "rpc-v2-cbor"

// Encoding is how an RPC protocol encodes parameters and answers.
type Encoding struct {
	contentType string
	header      http.Header // of every answer
	unsupported int         // the status for an unsupported operation; JSON's is inferred from other services
	marshal     func(any) ([]byte, error)
	unmarshal   func([]byte, any) error
}

// cborMode writes times as tagged seconds since 1970.
var cborMode, _ = cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode() // fails for unknown options only

func cborEncoding() *Encoding {
	return &Encoding{
		contentType: "application/cbor", header: http.Header{"Smithy-Protocol": {cborProtocol}},
		unsupported: http.StatusNotFound, marshal: cborMode.Marshal, unmarshal: cbor.Unmarshal,
	}
}

func jsonEncoding() *Encoding {
	return &Encoding{
		contentType: "application/x-amz-json-1.0", unsupported: http.StatusBadRequest,
		marshal: json.Marshal, unmarshal: json.Unmarshal,
	}
}

// Moment is a time among the parameters.
type Moment struct{ time.Time }

// UnmarshalCBOR reads a tagged time.
func (m *Moment) UnmarshalCBOR(text []byte) error { return cbor.Unmarshal(text, &m.Time) }

// UnmarshalJSON reads seconds since 1970, which the protocol specifies, or RFC 3339.
func (m *Moment) UnmarshalJSON(text []byte) error {
	var seconds float64
	if json.Unmarshal(text, &seconds) != nil {
		return m.Time.UnmarshalJSON(text)
	}
	whole, part := math.Modf(seconds)
	m.Time = time.Unix(int64(whole), int64(part*1e9))
	return nil
}

// MarshalCBOR writes a plain array.
func (l List[T]) MarshalCBOR() ([]byte, error) { return cborMode.Marshal(l.array()) }

// MarshalJSON writes a plain array.
func (l List[T]) MarshalJSON() ([]byte, error) { return json.Marshal(l.array()) }

// array returns the members, never nil: an empty list must not encode as null.
func (l List[T]) array() []T {
	if l.Members == nil {
		return []T{}
	}
	return l.Members
}

// MarshalCBOR writes a tagged time.
func (t Timestamp) MarshalCBOR() ([]byte, error) { return cborMode.Marshal(time.Time(t)) }

// MarshalJSON writes seconds since 1970.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(t).UnixMilli()) / 1000)
}
