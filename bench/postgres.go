package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	accounts "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lsapi/bench/internal/process"
)

// postgres is a PostgreSQL server of this run, with the durability of production.
type postgres struct {
	programs string // folder of its programs
	address  string
	server   *exec.Cmd
	folder   string
	made     int // databases
}

// startPostgres starts one, and checks that lsapi works with it.
func (b *bench) startPostgres(ctx context.Context) (*postgres, error) {
	programs, err := findPostgres()
	if err != nil {
		return nil, err
	}
	as, err := postgresAccount()
	if err != nil {
		return nil, err
	}
	folder, err := as.folder()
	if err != nil {
		return nil, err
	}
	p := &postgres{programs: programs, folder: folder}
	if err := p.start(ctx, as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := b.tryRecord(ctx, p); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// tryRecord returns why lsapi does not serve with the record in PostgreSQL.
func (b *bench) tryRecord(ctx context.Context, p *postgres) error {
	url, err := p.database(ctx)
	if err != nil {
		return err
	}
	s, err := b.startService(ctx, launch{aws: nowhere, record: url})
	if err != nil {
		lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
		return fmt.Errorf("this lsapi does not serve with it: %s", strings.TrimSpace(lines[len(lines)-1]))
	}
	s.Stop()
	return nil
}

// findPostgres returns the folder of the newest installed PostgreSQL's programs.
func findPostgres() (string, error) {
	var newest string
	var version int
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	for _, program := range found {
		folder := filepath.Dir(program)
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil && n > version {
			newest, version = folder, n
		}
	}
	if newest != "" {
		return newest, nil
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("PostgreSQL is not installed (apt-get install postgresql)")
	}
	return filepath.Dir(program), nil
}

// account is the user for PostgreSQL, which refuses to run as root; nil is the current
// one.
type account struct{ *syscall.Credential }

func postgresAccount() (account, error) {
	if os.Getuid() != 0 {
		return account{}, nil
	}
	user, err := accounts.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("root cannot run PostgreSQL: %w", err)
	}
	uid, err := strconv.ParseUint(user.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(user.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// folder creates a folder for the account, which has no access to that of the run.
func (a account) folder() (string, error) {
	folder, err := os.MkdirTemp("", "lsapi-bench-postgres-")
	if err != nil || a.Credential == nil {
		return folder, err
	}
	return folder, os.Chown(folder, int(a.Uid), int(a.Gid))
}

func (a account) command(ctx context.Context, folder, program string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir = folder
	c.SysProcAttr = &syscall.SysProcAttr{Credential: a.Credential, Setpgid: true}
	return c
}

const (
	postgresBound = 30 * time.Second // until it responds
	postgresPoll  = 50 * time.Millisecond
)

func (p *postgres) start(ctx context.Context, as account) error {
	data := filepath.Join(p.folder, "data")
	// Any user of this machine can use it while it runs.
	made := as.command(ctx, p.folder, filepath.Join(p.programs, "initdb"), "--pgdata", data, "--username", user, "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
	if out, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	address, err := process.FreeAddress()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	p.address = address
	p.server = as.command(ctx, p.folder, filepath.Join(p.programs, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses="+host, "-c", "unix_socket_directories=", "-c", "max_connections=200")
	p.server.Cancel = func() error { return p.server.Process.Signal(syscall.SIGINT) }
	p.server.WaitDelay = postgresBound
	if err := p.server.Start(); err != nil {
		return err
	}
	if err := p.await(ctx); err != nil {
		return errors.Join(err, p.end())
	}
	return nil
}

// await waits until it accepts connections.
func (p *postgres) await(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, postgresBound)
	defer cancel()
	for {
		_, err := p.database(bounded)
		if err == nil {
			return nil
		}
		if pause(bounded, postgresPoll) != nil {
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		}
	}
}

// database creates a database and returns its URL.
func (p *postgres) database(ctx context.Context) (string, error) {
	host, port, err := net.SplitHostPort(p.address)
	if err != nil {
		return "", err
	}
	p.made++
	name := fmt.Sprintf("bench_%d", p.made)
	out, err := exec.CommandContext(ctx, filepath.Join(p.programs, "createdb"), "-h", host, "-p", port, "-U", user, name).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("createdb: %w\n%s", err, out)
	}
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", user, p.address, name), nil
}

// stop stops it and removes its data.
func (p *postgres) stop() {
	_ = p.end() // by a signal: not an error here
	_ = os.RemoveAll(p.folder)
}

func (p *postgres) end() error {
	if err := p.server.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return p.server.Wait()
}
