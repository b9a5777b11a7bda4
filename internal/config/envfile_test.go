package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"lsapi/internal/config"
)

func TestDefaultEnvFileMayBeMissing(t *testing.T) {
	s := sources(t)
	s.EnvFile = filepath.Join(t.TempDir(), ".env")
	load(t, s)
}

func TestDefaultEnvFileIsRead(t *testing.T) {
	s := sources(t)
	s.EnvFile = writeFile(t, "LISTEN=:9000\n")
	if cfg := load(t, s); cfg.Listen != ":9000" {
		t.Errorf("got %s", cfg.Listen)
	}
}

func TestNamedEnvFileReplacesDefault(t *testing.T) {
	named := writeFile(t, "AWS_REGION=eu-west-1\n")
	for name, s := range map[string]config.Sources{
		"by flag":     sources(t, "--env-file="+named),
		"by variable": withVariable(sources(t), "ENV_FILE="+named),
	} {
		t.Run(name, func(t *testing.T) {
			s.EnvFile = writeFile(t, "LISTEN=:9000\n")
			if cfg := load(t, s); cfg.Listen != ":8000" || cfg.Region != "eu-west-1" {
				t.Errorf("got listen %s, region %s", cfg.Listen, cfg.Region)
			}
		})
	}
}

func withVariable(s config.Sources, variable string) config.Sources {
	s.Environ = append(s.Environ, variable)
	return s
}

func TestUnreadableEnvFileIsAProblem(t *testing.T) {
	for name, path := range map[string]string{
		"missing":     filepath.Join(t.TempDir(), "none"),
		"a directory": t.TempDir(),
		"endless":     "/dev/zero",
	} {
		t.Run(name, func(t *testing.T) {
			found := problems(t, sources(t, "--env-file="+path))
			if len(found) != 1 || !strings.Contains(found[0], "--env-file (ENV_FILE): cannot read") || !strings.Contains(found[0], path) {
				t.Errorf("got %q", found)
			}
		})
	}
}

func TestWorldWritableEnvFileIsRejected(t *testing.T) {
	file := writeFile(t, "LISTEN=:9000\n")
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(sources(t, "--env-file="+file)); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("got %v", err)
	}
}

func TestMalformedEnvFileIsReportedByLineNotText(t *testing.T) {
	const secret = "wJalrXUtnFEMI"
	for _, tc := range []struct {
		name, text, line string
	}{
		{"no equals sign", "LISTEN=:1\n\n# comment\n" + secret + "\nLOG_LEVEL=info\n", "line 4:"},
		{"no equals sign at the end", "LISTEN=:1\n" + secret, "line 2:"},
		{"no name", "=" + secret + "\n", "line 1:"},
		{"a quote that does not end", "LISTEN=:1\nX=\"two\nlines\"\nAWS_SECRET_ACCESS_KEY=\"" + secret + "\nA=b\nC=d\n", "line 4:"},
		{"an odd name", "A B-C=" + secret + "\n", "line 1:"},
		{"a zero byte", "A=b\nAWS_SECRET_ACCESS_KEY=" + secret + "\x00\n", "line 2:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := problems(t, sources(t, "--env-file="+writeFile(t, tc.text)))
			if len(found) != 1 || !strings.Contains(found[0], tc.line) {
				t.Errorf("got %q, want %s", found, tc.line)
			}
			if strings.Contains(strings.Join(found, ""), secret) {
				t.Errorf("the secret shows in %q", found)
			}
		})
	}
}

func TestInvalidEnvFileValueIsNotShown(t *testing.T) {
	// A missing quote makes the next line part of the value.
	file := writeFile(t, "LOG_LEVEL='info\nAWS_SECRET_ACCESS_KEY=hush\nX='\n")
	if found := problems(t, sources(t, "--env-file="+file)); strings.Contains(strings.Join(found, ""), "hush") {
		t.Errorf("got %q", found)
	}
}

func TestEnvFileMayHaveByteOrderMarkAndCRLF(t *testing.T) {
	file := writeFile(t, "\ufeffLISTEN=:9000\r\nexport AWS_REGION=\"eu-west-1\"\r\n")
	cfg := load(t, sources(t, "--env-file="+file))
	if cfg.Listen != ":9000" || cfg.Region != "eu-west-1" {
		t.Errorf("got listen %q, region %q", cfg.Listen, cfg.Region)
	}
}

// Docker and systemd take the values of the same file as they are.
func TestEnvFileValuesAreNotExpanded(t *testing.T) {
	for _, value := range []string{"pa$WORD1$2y$10$x", `"pa$WORD1$2y$10$x"`, `'pa$WORD1$2y$10$x'`, "pa${WORD1}$(X)$", `"pa\$WORD1"`} {
		want := strings.ReplaceAll(strings.Trim(value, `"'`), `\`, "")
		cfg := load(t, sources(t, "--env-file="+writeFile(t, "WORD1=expanded\nAWS_SECRET_ACCESS_KEY="+value+"\n")))
		if got := cfg.Environment["AWS_SECRET_ACCESS_KEY"]; string(got) != want {
			t.Errorf("%s is read as %s, want %s", value, string(got), want)
		}
	}
}

func TestExportKeepsExistingVariables(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("API_TOKEN", "")
	t.Setenv("STORE_URL", "")
	s := sources(t, "--env-file="+writeFile(t, "AWS_ACCESS_KEY_ID=of-the-file\nAWS_SECRET_ACCESS_KEY=of-the-file\nAPI_TOKEN=bWU6aHVzaA==\nSTORE_URL=postgres://me:hush@host/db\n"))
	s.Environ = append(s.Environ, os.Environ()...)
	if err := load(t, s).Export(); err != nil {
		t.Fatal(err)
	}
	if got := os.Getenv("AWS_ACCESS_KEY_ID"); got != "of-the-environment" {
		t.Errorf("AWS_ACCESS_KEY_ID is %s", got)
	}
	if got := os.Getenv("AWS_SECRET_ACCESS_KEY"); got != "of-the-file" {
		t.Errorf("AWS_SECRET_ACCESS_KEY is %s", got)
	}
	for _, secret := range []string{"API_TOKEN", "STORE_URL"} {
		if os.Getenv(secret) != "" {
			t.Errorf("%s is exported", secret)
		}
	}
}

func TestExampleEnvFileListsEverySettingWithDefault(t *testing.T) {
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(example), "\n#", "\n")
	sources(t).Flags.VisitAll(func(f *pflag.Flag) {
		_, variable, _ := strings.Cut(strings.TrimSuffix(f.Usage, "]"), "[$")
		if !f.Hidden && variable != "ENV_FILE" && variable != "AWS_ENDPOINT_URL" && !strings.Contains(text, "\n"+variable+"="+f.DefValue+"\n") {
			t.Errorf("no %s=%s", variable, f.DefValue)
		}
	})
}
