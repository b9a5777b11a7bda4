package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
)

// account is a user who may ask.
type account struct {
	actor lsapi.Actor
	// hash is bcrypt's of the password, or when it is quick, SHA-256's: an API
	// token is in the memory of this process anyway, and made by a machine.
	hash  []byte
	quick bool

	// verified is the digest of the password that was found right. It holds for as long
	// as the account does: a user has but one password, and whoever is removed or gets
	// another password has no account, or another one.
	verified atomic.Pointer[[sha256.Size]byte]
}

// isVerified reports whether credentials of this digest were found right before.
func (a *account) isVerified(digest *[sha256.Size]byte) bool {
	verified := a.verified.Load()
	return verified != nil && subtle.ConstantTimeCompare(verified[:], digest[:]) == 1
}

// setVerified notes that credentials of this digest are right.
func (a *account) setVerified(digest [sha256.Size]byte) { a.verified.Store(&digest) }

// maxBcrypt is how many bytes of a password bcrypt compares.
const maxBcrypt = 72

// significant returns what of a password the account compares, so that passwords that
// it cannot tell apart have one digest.
func (a *account) significant(password []byte) []byte {
	if a.quick {
		return password
	}
	return password[:min(len(password), maxBcrypt)]
}

// accepts reports whether the password is the account's. Unless it is quick it
// takes as long as bcrypt does.
func (a *account) accepts(password string) bool {
	if a.quick {
		digest := sha256.Sum256([]byte(password))
		return subtle.ConstantTimeCompare(digest[:], a.hash) == 1
	}
	return bcrypt.CompareHashAndPassword(a.hash, []byte(password)) == nil
}
