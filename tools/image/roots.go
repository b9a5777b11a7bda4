package main

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// publicRoots returns Mozilla's certificate authorities, of the version in go.mod: those of
// this machine would make the image depend on it. PEM cannot express that an authority is
// trusted under conditions only, so those are left out.
func publicRoots() []byte {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			roots.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return roots.Bytes()
}
