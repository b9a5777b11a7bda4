package record_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	mathbig "math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/record/postgrestest"
)

// authority is a certificate authority of one test.
type authority struct {
	t           testing.TB
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
	file        string // in PEM
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: mathbig.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return authority{t, key, certificate, file}
}

// certify returns a certificate of a server at 127.0.0.1 and its key, in PEM.
func (a authority) certify() (certificate, key []byte) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: mathbig.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func TestOpenVerifiesTheServerWithTheAuthorityOfTheURL(t *testing.T) {
	t.Parallel()
	private, server := newAuthority(t), postgrestest.New(t)
	server.UseTLS(private.certify())
	verified := func(host, authority string) string {
		return altered(t, server.URL(), func(u *url.URL) {
			u.Host, u.RawQuery = net.JoinHostPort(host, u.Port()), url.Values{"sslmode": {"verify-full"}, "sslrootcert": {authority}}.Encode()
		})
	}
	openURL(t, verified("127.0.0.1", private.file), record.Options{})
	for name, test := range map[string]struct{ url, says string }{
		"another authority":        {verified("127.0.0.1", newAuthority(t).file), "certificate signed by unknown authority"},
		"the authorities of RDS":   {verified("127.0.0.1", "../../packaging/rds/rds.pem"), "certificate signed by unknown authority"},
		"the system's authorities": {altered(t, server.URL(), func(u *url.URL) { u.RawQuery = "sslmode=verify-full" }), "certificate signed by unknown authority"},
		"another name":             {verified("localhost", private.file), "wanted to match localhost"},
		"a file without one":       {verified("127.0.0.1", "testdata"), "testdata"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := open.URL(t.Context(), test.url, record.Options{})
			if err == nil {
				t.Fatalf("it was opened: %v", s.Close(context.WithoutCancel(t.Context())))
			}
			wantCode(t, err, lsapi.CodeInvalid)
			if message := lsapi.AsError(err).Message; !strings.Contains(message, test.says) || !strings.Contains(message, "sslrootcert") {
				t.Errorf("got %q, want it to say %q and sslrootcert", message, test.says)
			}
		})
	}
}

func TestRotatedPasswordIsReadFromThePassfile(t *testing.T) {
	t.Parallel()
	server := postgrestest.New(t)
	passfile := filepath.Join(t.TempDir(), "pgpass")
	pass := func(password string) {
		t.Helper()
		fresh := passfile + ".new"
		if err := os.WriteFile(fresh, []byte("*:*:*:rotated:"+password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(fresh, passfile); err != nil {
			t.Fatal(err)
		}
	}
	// cut ends the connections of the service, as a failover does.
	cut := func() {
		t.Helper()
		postgrestest.Exec(t, server.URL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotated'")
	}
	postgrestest.Exec(t, server.URL(), "CREATE ROLE rotated LOGIN PASSWORD 'first'", "CREATE DATABASE of_rotated OWNER rotated ENCODING 'UTF8'")
	pass("first")
	s := openURL(t, altered(t, server.URL(), func(u *url.URL) {
		u.User, u.Path, u.RawQuery = url.User("rotated"), "/of_rotated", url.Values{"sslmode": {"disable"}, "passfile": {passfile}}.Encode()
	}), record.Options{})
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)

	postgrestest.Exec(t, server.URL(), `ALTER ROLE rotated PASSWORD 'se:co\nd'`)
	l.do(lsapi.Attach, two) // open connections last
	cut()
	soon(t, "a refusal", func() bool { return s.Ready(t.Context()) != nil })
	pass(`se\:co\\nd`)
	soon(t, "the record to be ready", func() bool { return s.Ready(t.Context()) == nil })
	newLane(t, s, lsapi.ELB("api")).know(one)

	// Without the file the last password is in force.
	if err := os.Remove(passfile); err != nil {
		t.Fatal(err)
	}
	cut()
	soon(t, "the record to be ready again", func() bool { return s.Ready(t.Context()) == nil })
}
