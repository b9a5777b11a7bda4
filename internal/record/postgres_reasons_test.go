package record_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/record/postgrestest"
)

// server takes connections until the test ends, and leaves each to serve.
func server(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

// privateTLS serves TLS with a certificate of an unknown authority, up to a version, 0 for
// the newest.
func privateTLS(t *testing.T, clients tls.ClientAuthType, newest ...uint16) string {
	authority := httptest.NewTLSServer(nil)
	t.Cleanup(authority.Close)
	config := &tls.Config{Certificates: authority.TLS.Certificates, MinVersion: tls.VersionTLS10, ClientAuth: clients}
	for _, version := range newest {
		config.MaxVersion = version
	}
	return server(t, func(conn net.Conn) {
		if !acceptTLS(conn) {
			return
		}
		secured := tls.Server(conn, config)
		if secured.HandshakeContext(context.Background()) == nil { // the client may end it
			_, _ = io.Copy(io.Discard, secured)
		}
	})
}

// lostTLS closes connections in the TLS handshake.
func lostTLS(t *testing.T) string { return server(t, func(conn net.Conn) { acceptTLS(conn) }) }

// acceptTLS accepts a request for TLS.
func acceptTLS(conn net.Conn) bool {
	if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil {
		return false
	}
	_, err := conn.Write([]byte("S"))
	return err == nil
}

// onlyTLS refuses connections without TLS, as a pg_hba.conf with hostssl does.
func onlyTLS(t *testing.T) string {
	refusal := &pgproto3.ErrorResponse{
		Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "28000",
		Message: `no pg_hba.conf entry for host "10.0.0.1", user "lsapi", database "lsapi", no encryption`,
	}
	text, err := refusal.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return server(t, func(conn net.Conn) {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:]))-4); err == nil {
			_, _ = conn.Write(text) // the client may have left
		}
	})
}

func TestOpenReportsTheDatabasesReason(t *testing.T) {
	with := func(address, query string) string {
		u := url.URL{Scheme: "postgres", User: url.UserPassword("lsapi", postgrestest.Password), Host: address, Path: "/lsapi", RawQuery: query}
		return u.String()
	}
	for name, test := range map[string]struct {
		url        func(t *testing.T) string
		says, nots []string
	}{
		"TLS required, none offered": {
			func(t *testing.T) string {
				return altered(t, postgrestest.URL(t), func(u *url.URL) { u.RawQuery = "sslmode=require" })
			},
			[]string{"server refused TLS connection", "sslmode"}, []string{"start the database", "user and password"},
		},
		"an unknown authority": {
			func(t *testing.T) string { return with(privateTLS(t, tls.NoClientCert), "sslmode=verify-full") },
			[]string{"certificate signed by unknown authority", "sslrootcert"}, []string{"start the database", "user and password"},
		},
		"no TLS, required by the server": {
			func(t *testing.T) string { return with(onlyTLS(t), "sslmode=disable") },
			[]string{"no encryption", "sslmode"}, []string{"start the database", "user and password"},
		},
		"a missing certificate": {
			func(t *testing.T) string {
				return with(closedPort(t), "sslmode=verify-full&sslrootcert=/nowhere/ca.pem")
			},
			[]string{"/nowhere/ca.pem", "no such file", "sslrootcert"}, []string{"start the database", "one of PostgreSQL"},
		},
		"an invalid value of a parameter": {
			func(t *testing.T) string { return with(closedPort(t), "sslmode=disable&connect_timeout=hush") },
			[]string{"parameter connect_timeout"}, []string{"start the database", "percent-encoded", "hush", "sslmode"},
		},
		"a host with TLS in its name that is not found": {
			func(*testing.T) string { return with("tls-x509.invalid:5432", "sslmode=disable") },
			[]string{"tls-x509.invalid", "start the database"}, []string{"by TLS", "sslmode"},
		},
		"a connection lost in the handshake": {
			func(t *testing.T) string { return with(lostTLS(t), "sslmode=require") },
			[]string{"start the database"}, []string{"by TLS", "sslmode"},
		},
		"a client certificate required": {
			func(t *testing.T) string { return with(privateTLS(t, tls.RequireAnyClientCert), "sslmode=require") },
			[]string{"by TLS", "certificate required", "sslmode"}, []string{"start the database"},
		},
		"an older TLS": {
			func(t *testing.T) string {
				return with(privateTLS(t, tls.NoClientCert, tls.VersionTLS11), "sslmode=require")
			},
			[]string{"by TLS", "sslmode"}, []string{"start the database"},
		},
		"an invalid value beside one that reads like a TLS error": {
			func(*testing.T) string {
				return with("h:5432", "sslmode=disable&connect_timeout=hush&application_name=failed to configure TLS")
			},
			[]string{"parameter connect_timeout"}, []string{"asks for TLS"},
		},
		"closed port": {
			func(t *testing.T) string { return with(closedPort(t), "sslmode=disable") },
			[]string{"connection refused", "start the database"}, []string{"TLS"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := open.URL(t.Context(), test.url(t), record.Options{})
			if err == nil {
				t.Fatalf("it was opened: %v", s.Close(context.WithoutCancel(t.Context())))
			}
			message := lsapi.AsError(err).Message
			want := lsapi.CodeInvalid
			if slices.Contains(test.says, "start the database") {
				want = lsapi.CodeUnavailable
			}
			wantCode(t, err, want)
			for _, part := range test.says {
				if !strings.Contains(message, part) {
					t.Errorf("got %q, want it to say %q", message, part)
				}
			}
			for _, part := range test.nots {
				if strings.Contains(message, part) {
					t.Errorf("got %q, want it not to say %q", message, part)
				}
			}
			wantNoPassword(t, everything(err))
		})
	}
}

// A PostgreSQL may end the sessions of a process that starts, and go on.
func TestOpenRetriesWhenItsSessionsEnd(t *testing.T) {
	there := postgrestest.URL(t)
	held := connect(t, there)
	if _, err := held.Exec(t.Context(), "SELECT pg_advisory_lock(5887940537704921958)"); err != nil { // goose's: another one migrates
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		s, err := open.URL(t.Context(), there, record.Options{})
		if err == nil {
			err = s.Close(context.WithoutCancel(t.Context()))
		}
		opened <- err
	}()
	for ended := 0; ended == 0 && len(opened) == 0; {
		err := held.QueryRow(t.Context(), "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"+
			" WHERE application_name = 'lsapi' AND datname = current_database() AND query LIKE '%advisory%'").Scan(&ended)
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := held.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("its sessions were ended: %v", err)
	}
}
