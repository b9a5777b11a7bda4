package main

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"text/template"

	"lsapi/bench/internal/process"
)

//go:embed nginx.conf.tmpl
var nginxConfig string

// nginxSettings are the parameters of the configuration.
type nginxSettings struct {
	Dir, Address, Workers, ContentType string
	Headers                            map[string]string
	Root                               bool
}

// startNginx starts nginx as a yardstick that serves the body and headers of a response
// at a path. workers 0 is one per processor; within is as in launch.
func (b *bench) startNginx(ctx context.Context, path string, like answer, workers int, within ...string) (*service, error) {
	nginx, err := findNginx()
	if err != nil {
		return nil, err
	}
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "nginx-")
	if err != nil {
		return nil, err
	}
	settings := nginxSettings{
		Dir: dir, Address: address, Workers: "auto", ContentType: like.header.Get("Content-Type"),
		Headers: addedHeaders(like.header), Root: os.Geteuid() == 0,
	}
	if workers > 0 {
		settings.Workers = strconv.Itoa(workers)
	}
	if err := settings.write(path, like.body); err != nil {
		return nil, err
	}
	words := slices.Concat(within, []string{nginx, "-p", dir, "-c", filepath.Join(dir, "nginx.conf")})
	p, err := process.Start(ctx, process.Command{
		Path: words[0], Args: words[1:],
		Output: filepath.Join(dir, "output"),
		Ready:  "http://" + address + "/healthcheck",
	})
	if err != nil {
		return nil, err
	}
	return &service{p, address}, nil
}

// findNginx also searches Debian's folder, which is not on every user's PATH.
func findNginx() (string, error) {
	found, err := exec.LookPath("nginx")
	if err != nil {
		return exec.LookPath("/usr/sbin/nginx")
	}
	return found, nil
}

// write writes the configuration, the passwords and the file to serve.
func (s nginxSettings) write(path string, body []byte) error {
	config, err := os.Create(filepath.Join(s.Dir, "nginx.conf"))
	if err != nil {
		return err
	}
	defer config.Close()
	if err := template.Must(template.New("").Parse(nginxConfig)).Execute(config, s); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "htpasswd"), []byte(htpasswd()), 0o600); err != nil {
		return err
	}
	served := filepath.Join(s.Dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(served), 0o700); err != nil {
		return err
	}
	return os.WriteFile(served, body, 0o600)
}

// htpasswd uses salted SHA-1, the fastest of nginx's hashed formats. The usual ones take a
// millisecond per request, which would measure hashing.
func htpasswd() string {
	const salt = "bench-salt"
	digest := sha1.Sum([]byte(password + salt))
	return user + ":{SSHA}" + base64.StdEncoding.EncodeToString(append(digest[:], salt...)) + "\n"
}

// addedHeaders are the headers that nginx does not add by itself.
func addedHeaders(header http.Header) map[string]string {
	added := make(map[string]string)
	for name := range header {
		switch name {
		case "Content-Type", "Content-Length", "Date", "X-Request-Id":
		default:
			added[name] = header.Get(name)
		}
	}
	return added
}
