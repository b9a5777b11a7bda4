package emulator

import (
	"bytes"
	"encoding/xml"
	"time"
)

// list is a list as ELB and STS write it. An empty one is written too: the
// clients tell an empty list from none.
type list[T any] struct {
	Members []T `xml:"member"`
}

// set is a list as EC2 writes it.
type set[T any] struct {
	Items []T `xml:"item"`
}

// fragment is XML that was encoded before.
type fragment struct {
	XML []byte `xml:",innerxml"`
}

// encodeFields returns the XML of a structure's fields, without an element
// around them.
func encodeFields(structure any) ([]byte, error) {
	const outer = "f"
	var buffer bytes.Buffer
	err := xml.NewEncoder(&buffer).EncodeElement(structure, element(outer))
	if err != nil {
		return nil, err
	}
	inner := bytes.TrimPrefix(buffer.Bytes(), []byte("<"+outer+">"))
	return bytes.TrimSuffix(inner, []byte("</"+outer+">")), nil
}

// named is a value with the element name that it is written under.
type named struct {
	name  string
	value any
}

// MarshalXML writes the value under its name.
func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, element(n.name))
}

func element(name string) xml.StartElement {
	return xml.StartElement{Name: xml.Name{Local: name}}
}

// timestamp is a time as AWS writes it: UTC, with milliseconds.
type timestamp time.Time

// MarshalText implements encoding.TextMarshaler.
func (t timestamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}
