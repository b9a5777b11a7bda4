// Package rds has no code. Its test checks the certificate authorities of Amazon RDS, which
// the image and the packages have at /usr/share/lsapi/rds.pem.
package rds

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"regexp"
	"testing"
	"time"
)

func TestCertificatesAreAuthoritiesOfRDS(t *testing.T) {
	rest, err := os.ReadFile("rds.pem")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^Amazon RDS ([a-z]{2}(-[a-z]+)+-[0-9]) Root CA (RSA2048|RSA4096|ECC384) G1$`)
	found := map[string]int{} // by region
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		subject := certificate.Subject.CommonName
		parts := name.FindStringSubmatch(subject)
		if parts == nil {
			t.Errorf("%q is no authority of a region", subject)
			continue
		}
		found[parts[1]]++
		if !certificate.IsCA || certificate.KeyUsage&x509.KeyUsageCertSign == 0 {
			t.Errorf("%s may not sign certificates", subject)
		}
		if err := certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature); err != nil || !bytes.Equal(certificate.RawIssuer, certificate.RawSubject) {
			t.Errorf("%s is not signed by itself: %v", subject, err)
		}
		if !certificate.NotAfter.After(time.Now().AddDate(5, 0, 0)) {
			t.Errorf("%s expires at %v", subject, certificate.NotAfter)
		}
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("%d bytes are no certificate", len(rest))
	}
	if len(found) < 27 {
		t.Errorf("there are %d regions", len(found))
	}
	for region, certificates := range found {
		if certificates != 3 {
			t.Errorf("%s has %d authorities, want one of each kind of key", region, certificates)
		}
	}
}
