package wire

import (
	"bytes"
	"encoding/xml"
	"time"
)

// List is a list as ELB, CloudWatch and STS write it. An empty list is written too:
// clients distinguish it from a missing one.
type List[T any] struct {
	Members []T `xml:"member"`
}

// Set is a list as EC2 writes it.
type Set[T any] struct {
	Items []T `xml:"item"`
}

// Fragment is encoded XML.
type Fragment struct {
	XML []byte `xml:",innerxml"`
}

// EncodeFields returns the XML of a structure's fields without an enclosing element.
func EncodeFields(structure any) ([]byte, error) {
	const outer = "f"
	var buffer bytes.Buffer
	err := xml.NewEncoder(&buffer).EncodeElement(structure, element(outer))
	if err != nil {
		return nil, err
	}
	inner := bytes.TrimPrefix(buffer.Bytes(), []byte("<"+outer+">"))
	return bytes.TrimSuffix(inner, []byte("</"+outer+">")), nil
}

// named is a value with its element's name.
type named struct {
	name  string
	value any
}

// MarshalXML implements xml.Marshaler.
func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, element(n.name))
}

func element(name string) xml.StartElement {
	return xml.StartElement{Name: xml.Name{Local: name}}
}

// Timestamp is a time as AWS writes it: UTC, with milliseconds.
type Timestamp time.Time

// MarshalText implements encoding.TextMarshaler.
func (t Timestamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}
