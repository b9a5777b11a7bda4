package auth_test

import (
	"fmt"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
	"lsapi/internal/auth"
)

// BenchmarkAuthenticate measures what every request pays, and what only those of
// strangers do.
func BenchmarkAuthenticate(b *testing.B) {
	a := newAuthenticator(b, auth.Options{
		Token:     encode("bob:secret"),
		UsersFile: writeUsers(b, "alice:"+hash(b, "right", bcrypt.DefaultCost)+"\n"),
	})
	for name, header := range map[string]string{"token": "Basic " + encode("bob:secret"), "remembered": "Basic " + encode("alice:right")} {
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
	for name, client := range map[string]string{"unknown": "2001:db8:%x:%x::1", "slowed": here} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				n++
				address := client
				if name == "unknown" { // each from elsewhere
					address = fmt.Sprintf(client, n>>16, n&0xffff)
				}
				header := "Basic " + encode(fmt.Sprintf("user%d:guess", n))
				if _, err := a.Authenticate(b.Context(), header, address); lsapi.ErrorCode(err) == "" {
					b.Fatal("it is let in")
				}
			}
		})
	}
}
