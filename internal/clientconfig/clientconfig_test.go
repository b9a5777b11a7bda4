package clientconfig_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"lsapi/internal/clientconfig"
	"lsapi/internal/config"
)

// home returns an environment whose configuration file has the given text, or does
// not exist if that is empty.
func home(t *testing.T, text string, variables ...string) []string {
	t.Helper()
	folder := t.TempDir()
	if text != "" {
		write(t, filepath.Join(folder, ".config", "lsapi", "config.yaml"), text, 0o600)
	}
	return append([]string{"HOME=" + folder}, variables...)
}

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // past the umask
		t.Fatal(err)
	}
	return path
}

func flags(t *testing.T, arguments ...string) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	clientconfig.AddFlags(set)
	if err := set.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	return set
}

func token(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// describe is "URL user:password".
func describe(a clientconfig.Config) string { return a.URL + " " + a.User + ":" + string(a.Password) }

func TestPrecedenceIsFlagsEnvironmentFile(t *testing.T) {
	const file = "url: http://file\nuser: fay\npassword: of-fay\n"
	secret := write(t, filepath.Join(t.TempDir(), "password"), "of-the-flag\n", 0o600)
	for name, test := range map[string]struct {
		file      string
		variables []string
		arguments []string
		want      string
	}{
		"nothing":               {"", nil, nil, clientconfig.DefaultURL + " :"},
		"an empty file":         {"# nothing\n", nil, nil, clientconfig.DefaultURL + " :"},
		"the file":              {file, nil, nil, "http://file fay:of-fay"},
		"a token in the file":   {"token: " + token("tom:of:tom"), nil, nil, clientconfig.DefaultURL + " tom:of:tom"},
		"the environment":       {file, []string{"LSAPI_URL=http://env", "LSAPI_USER=eve", "LSAPI_PASSWORD=of-eve"}, nil, "http://env eve:of-eve"},
		"a token in the env":    {file, []string{"LSAPI_TOKEN=" + token("tom:of-tom")}, nil, "http://file tom:of-tom"},
		"empty variables":       {file, []string{"LSAPI_URL=", "LSAPI_USER=", "LSAPI_TOKEN="}, nil, "http://file fay:of-fay"},
		"the flags":             {file, []string{"LSAPI_URL=http://env", "LSAPI_USER=eve", "LSAPI_PASSWORD=of-eve"}, []string{"--url=http://flag", "--user=flo", "--password-file=" + secret}, "http://flag flo:of-the-flag"},
		"a password alone":      {file, []string{"LSAPI_PASSWORD=new"}, nil, "http://file fay:new"},
		"the same user":         {file, nil, []string{"--user=fay"}, "http://file fay:of-fay"},
		"the file's own":        {file, nil, []string{"--url=http://file/"}, "http://file/ fay:of-fay"},
		"not sent elsewhere":    {file, nil, []string{"--url=http://elsewhere"}, "http://elsewhere :"},
		"by variable elsewhere": {file, []string{"LSAPI_URL=http://elsewhere"}, nil, "http://elsewhere :"},
		"a file without a URL":  {"user: fay\npassword: of-fay", nil, []string{"--url=http://elsewhere"}, "http://elsewhere fay:of-fay"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := clientconfig.Load(clientconfig.Sources{Flags: flags(t, test.arguments...), Environ: home(t, test.file, test.variables...)})
			if err != nil || describe(got) != test.want {
				t.Errorf("got %s, %v", describe(got), err)
			}
		})
	}
}

func TestFilePathComesFromFlagVariableOrXDG(t *testing.T) {
	folder := t.TempDir()
	named := write(t, filepath.Join(folder, "named.yaml"), "url: http://named\npasswordFile: secret\nuser: ann\n", 0o644)
	write(t, filepath.Join(folder, "secret"), "of-ann", 0o600)
	write(t, filepath.Join(folder, "lsapi", "config.yaml"), "url: http://xdg\n", 0o644)
	for name, test := range map[string]struct {
		environ   []string
		arguments []string
		want      string
	}{
		"by flag":                          {[]string{"LSAPI_CONFIG=/nowhere"}, []string{"--config=" + named}, "http://named ann:of-ann"},
		"by variable":                      {[]string{"LSAPI_CONFIG=" + named, "XDG_CONFIG_HOME=" + folder}, nil, "http://named ann:of-ann"},
		"XDG":                              {[]string{"XDG_CONFIG_HOME=" + folder}, nil, "http://xdg :"},
		"XDG is empty, and so is the home": {[]string{"XDG_CONFIG_HOME=" + t.TempDir(), "HOME=" + folder}, nil, clientconfig.DefaultURL + " :"},
		"no home":                          {nil, nil, clientconfig.DefaultURL + " :"},
	} {
		got, err := clientconfig.Load(clientconfig.Sources{Flags: flags(t, test.arguments...), Environ: test.environ})
		if err != nil || describe(got) != test.want {
			t.Errorf("%s: got %s, %v", name, describe(got), err)
		}
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	folder := t.TempDir()
	open := write(t, filepath.Join(folder, "open"), "hush", 0o644)
	empty := write(t, filepath.Join(folder, "empty"), "\n", 0o600)
	for name, test := range map[string]struct {
		file      string
		mode      os.FileMode
		variables []string
		says      string
	}{
		"others can read it":        {"password: hush\nuser: u", 0o644, nil, "chmod 600"},
		"the group can read it":     {"token: " + token("u:hush"), 0o640, nil, "chmod 600"},
		"an unknown setting":        {"user: u\npasword: hush", 0o600, nil, "line 2"},
		"no YAML":                   {"user: \"hush", 0o600, nil, "line 1"},
		"not a text":                {"user: u\npassword: [hush]", 0o600, nil, "line 2"},
		"no base64":                 {"token: hush!", 0o600, nil, "printf"},
		"no colon":                  {"token: " + token("hush"), 0o600, nil, "printf"},
		"a token and a user":        {"token: " + token("u:hush") + "\nuser: u", 0o600, nil, "the token contains the user"},
		"a token and a password":    {"token: " + token("u:hush") + "\npassword: hush", 0o600, nil, "only one of"},
		"no password":               {"user: u", 0o600, nil, "no password for the user u"},
		"no user":                   {"", 0, []string{"LSAPI_PASSWORD=hush"}, "no user"},
		"another user's":            {"user: u\npassword: hush", 0o600, []string{"LSAPI_USER=v"}, "no password for the user v"},
		"no URL":                    {"url: localhost", 0o600, nil, "not an http or https URL"},
		"a password in the URL":     {"", 0, []string{"LSAPI_URL=http://u:hush@host"}, "contains a user or a password"},
		"a file that is not there":  {"", 0, []string{"LSAPI_CONFIG=" + folder + "/none"}, "cannot read the configuration file"},
		"a file that others read":   {"", 0, []string{"LSAPI_USER=u", "LSAPI_PASSWORD_FILE=" + open}, "chmod 600"},
		"no file with the password": {"", 0, []string{"LSAPI_USER=u", "LSAPI_PASSWORD_FILE=" + folder + "/none"}, "cannot read the password file"},
		"no password in it":         {"", 0, []string{"LSAPI_USER=u", "LSAPI_PASSWORD_FILE=" + empty}, "not one line"},
		"a colon in the name":       {"", 0, []string{"LSAPI_USER=u:v", "LSAPI_PASSWORD=hush"}, "cannot contain a colon"},
	} {
		t.Run(name, func(t *testing.T) {
			environ := home(t, "", test.variables...)
			if test.file != "" {
				environ = append(environ, "LSAPI_CONFIG="+write(t, filepath.Join(t.TempDir(), "config.yaml"), test.file, test.mode))
			}
			found, err := clientconfig.Load(clientconfig.Sources{Environ: environ})
			coded, ok := errors.AsType[*config.Error](err)
			if !ok || !strings.Contains(coded.Error(), test.says) || strings.Contains(coded.Error(), "hush") {
				t.Errorf("got %v", err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", found, found, found), "hush") && !strings.Contains(found.URL, "hush") {
				t.Errorf("the secret shows in %+v", found)
			}
		})
	}
}

func TestOriginNamesSourceOfCredentials(t *testing.T) {
	for want, environ := range map[string][]string{
		"the environment":           home(t, "user: fay\npassword: of-fay", "LSAPI_USER=eve", "LSAPI_PASSWORD=of-eve"),
		"config.yaml":               home(t, "user: fay\npassword: of-fay"),
		"config.yaml are for http:": home(t, "url: http://file\nuser: fay\npassword: of-fay", "LSAPI_URL=http://elsewhere"),
		"none are set":              home(t, ""),
		"are for http://file/api":   home(t, "url: http://fay:hush@file/api\nuser: fay\npassword: of-fay", "LSAPI_URL=http://elsewhere"),
	} {
		if got, err := clientconfig.Load(clientconfig.Sources{Environ: environ}); err != nil || !strings.Contains(got.Origin, want) || strings.Contains(got.Origin, "hush") {
			t.Errorf("got %q, %v; want %s", got.Origin, err, want)
		}
	}
}
