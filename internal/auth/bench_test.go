package auth_test

import (
	"fmt"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
	"lsapi/internal/auth"
)

// BenchmarkAuthenticate measures verified, unknown and throttled credentials.
func BenchmarkAuthenticate(b *testing.B) {
	a := newAuthenticator(b, auth.Options{
		Token:     encode("bob:secret"),
		UsersFile: writeUsers(b, "alice:"+hash(b, "right", bcrypt.DefaultCost)+"\n"),
	})
	for name, header := range map[string]string{"token": "Basic " + encode("bob:secret"), "verified": "Basic " + encode("alice:right")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(b.Context(), header, here); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" by all processors", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := a.Authenticate(b.Context(), header, here); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	b.Run("unknown", func(b *testing.B) {
		n := 0
		for b.Loop() { // each from elsewhere
			n++
			header := "Basic " + encode(fmt.Sprintf("user%d:guess", n))
			if _, err := a.Authenticate(b.Context(), header, fmt.Sprintf("2001:db8:%x:%x::1", n>>16, n&0xffff)); lsapi.ErrorCode(err) != lsapi.CodeUnauthenticated {
				b.Fatal(err)
			}
		}
	})
	b.Run("throttled", func(b *testing.B) {
		for range auth.AddressBurst {
			login(b, a, "nobody", "guess", "192.0.2.2")
		}
		header := "Basic " + encode("nobody:guess")
		for b.Loop() {
			if _, err := a.Authenticate(b.Context(), header, "192.0.2.2"); lsapi.ErrorCode(err) != lsapi.CodeThrottled {
				b.Fatal(err)
			}
		}
	})
}
