package record

import (
	"crypto/sha256"
	"encoding/hex"
)

// hash is of a log up to an event. The zero hash is of the empty log.
type hash [sha256.Size]byte

// then returns the hash of the log that is longer by the payload.
func (h hash) then(payload []byte) hash {
	sum := sha256.New()
	sum.Write(h[:])
	sum.Write(payload)
	return hash(sum.Sum(nil))
}

func (h hash) String() string { return hex.EncodeToString(h[:]) }
