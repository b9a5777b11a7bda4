package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// errMissing says what to install.
var errMissing = errors.New("neither PATH nor /usr/lib/postgresql has initdb and postgres\n" +
	"`make test` installs it; on Debian or Ubuntu:  sudo apt-get install postgresql")

// server is a PostgreSQL.
type server struct {
	address string
	port    int
	folder  string
	// held is open for as long as this process is, and then the server ends.
	held  *os.File
	ended func() error // waits until it has
}

// attempts bounds the starts of a server: another process may take its free port.
const attempts = 5

func start(ctx context.Context) (*server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	as, err := account()
	if err != nil {
		return nil, err
	}
	for range attempts {
		var s *server
		if s, err = startOnce(ctx, programs, as); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func startOnce(ctx context.Context, programs string, as credential) (*server, error) {
	folder, err := as.folder()
	if err == nil {
		err = initialize(ctx, programs, folder, as)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return run(ctx, programs, folder, as)
}

// findPrograms returns the folder of PostgreSQL's programs, the newest that is
// installed.
func findPrograms() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	newest, path := 0, ""
	for _, candidate := range found {
		folder := filepath.Dir(candidate)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil && version > newest {
			newest, path = version, folder
		}
	}
	if path == "" {
		return "", errMissing
	}
	return path, nil
}

// credential is the account of the server: PostgreSQL refuses to run as root.
type credential struct{ attributes *syscall.SysProcAttr }

func account() (credential, error) {
	// A group of its own: the keyboard's interrupt is for the tests alone.
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return credential{attributes}, nil
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return credential{}, fmt.Errorf("%w (as root, the package's user is needed: %w)", errMissing, err)
	}
	uid, err := strconv.ParseUint(postgres.Uid, 10, 32)
	if err != nil {
		return credential{}, err
	}
	gid, err := strconv.ParseUint(postgres.Gid, 10, 32)
	if err != nil {
		return credential{}, err
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return credential{attributes}, nil
}

// folder makes a folder of the account.
func (c credential) folder() (string, error) {
	folder, err := os.MkdirTemp("", "lsapi-postgres-")
	if err != nil {
		return "", err
	}
	return folder, c.own(folder)
}

// own gives a file or folder to the account.
func (c credential) own(path string) error {
	if c.attributes.Credential == nil {
		return nil
	}
	return os.Chown(path, int(c.attributes.Credential.Uid), int(c.attributes.Credential.Gid))
}

func initialize(ctx context.Context, programs, folder string, as credential) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	password := filepath.Join(folder, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	if err := as.own(password); err != nil {
		return err
	}
	//nolint:gosec // the program is the one that was found
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "--pgdata", filepath.Join(folder, "data"),
		"--username", superuser, "--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = folder, as.attributes
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return nil
}

// supervise runs the server until its input ends, which it does with the process
// that holds the other end. It then stops the server as a crash does, and removes
// the folder unless that is to be kept.
const supervise = `
"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c max_connections=200 -c fsync=on -c synchronous_commit=on >"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
[ -e "$2/` + keepName + `" ] || rm -rf "$2"
`

// keepName is the file that keeps a server's folder.
const keepName = "keep"

func run(ctx context.Context, programs, folder string, as credential) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return runOn(ctx, port, programs, folder, as)
}

func runOn(ctx context.Context, port int, programs, folder string, as credential) (*server, error) {
	//nolint:gosec,noctx // it ends with this process, not with a context
	cmd := exec.Command("/bin/sh", "-c", supervise, "supervise", programs, folder, strconv.Itoa(port))
	cmd.Dir, cmd.SysProcAttr = folder, as.attributes
	input, held, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = input
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, input.Close(), held.Close())
	}
	if err := input.Close(); err != nil {
		return nil, err
	}
	s := &server{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), port: port, folder: folder, held: held, ended: cmd.Wait}
	if err := s.await(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(folder, "log")) // it only explains
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, log), held.Close(), cmd.Wait())
	}
	return s, nil
}

func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("the server did not answer: %w", err)
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it resolves no name
	if err != nil {
		return 0, err
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(fmt.Errorf("listening on %v", listener.Addr()), listener.Close())
	}
	return address.Port, listener.Close()
}
