package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync/atomic"
	"time"

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

	// memory is of the password that was last found right. A user has but one, so
	// that there is no more to remember, and nothing to evict; and a user whose
	// password changes is another account.
	memory atomic.Pointer[memory]
}

// memory of a right password.
type memory struct {
	digest [sha256.Size]byte
	until  time.Time
}

// remembers reports whether credentials of this digest were found right, and
// have been used since without a long pause.
func (a *account) remembers(digest *[sha256.Size]byte, now time.Time) bool {
	m := a.memory.Load()
	if m == nil || now.After(m.until) || subtle.ConstantTimeCompare(m.digest[:], digest[:]) != 1 {
		return false
	}
	// Now and then only: a write to memory that all processors share, on every
	// request, would cost more than the rest of it.
	if m.until.Sub(now) < memoryLifetime/2 {
		a.remember(digest, now)
	}
	return true
}

func (a *account) remember(digest *[sha256.Size]byte, now time.Time) {
	a.memory.Store(&memory{digest: *digest, until: now.Add(memoryLifetime)})
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
