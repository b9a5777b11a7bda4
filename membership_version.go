package lsapi

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// AnyVersion is the IfMatch that every set of members meets.
const AnyVersion = "*"

// MembershipVersion returns the version of a set of members, in any order: the same for
// the same set, in every process. It is 32 hexadecimal digits.
func MembershipVersion(members []MemberID) string {
	texts := make([]string, len(members))
	for i, m := range members {
		texts[i] = m.String()
	}
	slices.Sort(texts)
	digest := sha256.New()
	for _, text := range texts {
		_, _ = digest.Write([]byte(text + "\n")) // never fails
	}
	return hex.EncodeToString(digest.Sum(nil)[:16])
}
