// Package swagger_test generates clients from the document that lsapi serves, as
// its users do, and lets them drive it.
package swagger_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAClientGeneratedFromTheServedDocumentDrivesTheService(t *testing.T) {
	lsapi, generator := filepath.Join(t.TempDir(), "lsapi"), filepath.Join(t.TempDir(), "swagger")
	run(t, "../..", nil, "packaging/compile.sh", lsapi)
	run(t, ".", nil, "go", "build", "-o", generator, "github.com/go-swagger/go-swagger/cmd/swagger")
	for _, mode := range []struct{ envelope, tags string }{{"message", ""}, {"none", "bare"}} {
		t.Run(mode.envelope, func(t *testing.T) {
			address := startService(t, lsapi, mode.envelope)
			module := t.TempDir()
			if err := os.CopyFS(module, os.DirFS("testdata/client")); err != nil {
				t.Fatal(err)
			}
			download(t, "http://"+address+"/swagger.json", filepath.Join(module, "swagger.json"))
			run(t, module, nil, generator, "generate", "client", "--quiet", "--spec=swagger.json")
			run(t, module, []string{"LSAPI_ADDRESS=" + address}, "go", "test", "-count=1", "-vet=off", "-tags="+mode.tags, ".")
		})
	}
}

// run runs a command that has to succeed.
func run(t *testing.T, folder string, variables []string, name string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), variables...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command.Args, " "), err, output)
	}
}

func download(t *testing.T, url, name string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	document, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, answer.Status, err)
	}
	if err := os.WriteFile(name, document, 0o600); err != nil {
		t.Fatal(err)
	}
}
