// Package terraform has no code. Its tests run terraform on the folders below it.
package terraform

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installed is a folder of Terraform files, to run an installed terraform in.
type installed struct {
	terraform, folder string
	environment       []string
}

// run runs terraform with the arguments and returns what it prints.
func (i installed) run(t *testing.T, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), i.terraform, append([]string{"-chdir=" + i.folder}, arguments...)...)
	command.Env = slices.Concat(os.Environ(), []string{"TF_IN_AUTOMATION=1", "AWS_EC2_METADATA_DISABLED=true"}, i.environment)
	out, err := command.CombinedOutput()
	return string(out), err
}

// initialize returns a folder ready for terraform, which runs with variables added to its
// environment. It skips the test if the AWS provider is not installed.
func initialize(t *testing.T, folder string, environment ...string) installed {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("SKIPPED: no terraform is installed")
	}
	i := installed{terraform, folder, environment}
	out, err := i.run(t, "init", "-backend=false", "-no-color")
	if err != nil && strings.Contains(out, "Failed to query available provider packages") {
		t.Skip("SKIPPED: terraform cannot get the AWS provider, from the registry or a mirror of TF_CLI_CONFIG_FILE")
	}
	if err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	return i
}

func TestTerraformAcceptsTheFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"aws", "examples/alb", "examples/emulator"} {
		t.Run(folder, func(t *testing.T) {
			i := initialize(t, filepath.Join(root, folder))
			for _, arguments := range [][]string{{"fmt", "-check", "-recursive", "-no-color"}, {"validate", "-no-color"}, {"test", "-no-color"}} {
				if out, err := i.run(t, arguments...); err != nil {
					t.Errorf("%v: %v\n%s", arguments, err, out)
				}
			}
		})
	}
}

func TestFirstBootScriptOfExampleIsValid(t *testing.T) {
	template, err := os.ReadFile("examples/alb/user_data.sh.tftpl")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "user-data.sh")
	if err := os.WriteFile(script, bytes.ReplaceAll(template, []byte("${ports}"), []byte("8080 8081")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "shellcheck", script).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
