package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
)

// account is a user with a password.
type account struct {
	actor lsapi.Actor
	// hash is the bcrypt hash of the password. If quick is set it is the SHA-256 hash: an
	// API token is random, and in this process's memory anyway.
	hash  []byte
	quick bool

	// verified is the digest of the credentials that were accepted. It is valid as long
	// as the account: a changed password makes a new account.
	verified atomic.Pointer[[sha256.Size]byte]
}

// isVerified reports whether credentials with this digest were accepted before.
func (a *account) isVerified(digest *[sha256.Size]byte) bool {
	verified := a.verified.Load()
	return verified != nil && subtle.ConstantTimeCompare(verified[:], digest[:]) == 1
}

func (a *account) setVerified(digest [sha256.Size]byte) { a.verified.Store(&digest) }

// maxBcrypt is how many bytes of a password bcrypt compares.
const maxBcrypt = 72

// significant returns the part of a password that the account compares.
func (a *account) significant(password []byte) []byte {
	if a.quick {
		return password
	}
	return password[:min(len(password), maxBcrypt)]
}

// accepts reports whether the password is the account's. It is as slow as bcrypt unless
// the account is quick.
func (a *account) accepts(password string) bool {
	if a.quick {
		digest := sha256.Sum256([]byte(password))
		return subtle.ConstantTimeCompare(digest[:], a.hash) == 1
	}
	return bcrypt.CompareHashAndPassword(a.hash, []byte(password)) == nil
}
