package auth_test

import (
	"testing"

	"lsapi/internal/auth"
)

func BenchmarkAuthenticate(b *testing.B) {
	basic, err := auth.NewBasic("YWxpY2U6cGFzc3dvcmQ=")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := basic.Authenticate("Basic YWxpY2U6cGFzc3dvcmQ="); err != nil {
			b.Fatal(err)
		}
	}
}
