package lsapi

import "time"

// EncodedList is a listing as it is sent: encoded once, and served to many.
// It must not be changed.
type EncodedList struct {
	Body []byte
	// ETag is the strong entity tag of Body, quotes included.
	ETag string
	// Length is that of Body in bytes, in decimal digits.
	Length string
	// AsOf is when the asking began.
	AsOf time.Time
}
