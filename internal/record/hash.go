package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash is of a log up to an event; the zero Hash is of the empty log.
type Hash [sha256.Size]byte

func (h Hash) then(payload []byte) Hash {
	sum := sha256.New()
	sum.Write(h[:])
	sum.Write(payload)
	return Hash(sum.Sum(nil))
}

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash returns a stored hash; Damaged for another length.
func ParseHash(bytes []byte) (Hash, error) {
	if len(bytes) != len(Hash{}) {
		return Hash{}, Damaged("reading a hash", fmt.Errorf("it has %d bytes", len(bytes)))
	}
	return Hash(bytes), nil
}
