package cloud_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lsapi/internal/cloud"
)

// problemsOf returns the problems of the variables of this process, by variable.
func problemsOf() map[string]string {
	found := make(map[string]string)
	cloud.CheckVariables(os.Getenv, func(variable, problem string) { found[variable] = problem })
	return found
}

// The variables and the values are those of the SDK.
func TestCheckVariablesAgreesWithTheSDK(t *testing.T) {
	folder := t.TempDir()
	config := filepath.Join(folder, "config")
	text := "[profile there]\nregion = us-east-1\n[profile broken]\nrole_arn = a\nsource_profile = none\n"
	for name, content := range map[string]string{config: text, filepath.Join(folder, "text"): "no certificate"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", config)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(folder, "none"))
	check := func(variable, value string, valid bool) {
		t.Run(variable+"="+value, func(t *testing.T) {
			t.Setenv(variable, value)
			_, err := cloud.Configure(t.Context(), cloud.Options{Region: "us-east-1"})
			found := problemsOf()
			if (err == nil) != valid || (len(found) == 0) != valid || !valid && found[variable] == "" {
				t.Errorf("the SDK says %v, the check %v", err, found)
			}
			if value != "" && value != "broken" && strings.Contains(found[variable], value) {
				t.Errorf("the value shows in %q", found[variable])
			}
		})
	}
	for variable, values := range cloud.VariableValues() {
		check(variable, "", true)
		check(variable, "nonsense", false)
		for _, value := range values {
			check(variable, value, true)
		}
	}
	for _, variable := range cloud.WholeNumbers() {
		check(variable, "nonsense", false)
		check(variable, "3", true)
	}
	check("AWS_PROFILE", "there", true)
	check("AWS_PROFILE", "nope", false)
	check("AWS_PROFILE", "broken", false)
	check("AWS_CA_BUNDLE", filepath.Join(folder, "none.pem"), false)
	check("AWS_CA_BUNDLE", filepath.Join(folder, "text"), false)
}

func TestCheckVariablesReportsAllProblems(t *testing.T) {
	t.Setenv("AWS_PROFILE", "nope")
	t.Setenv("AWS_CA_BUNDLE", "/nope")
	t.Setenv("AWS_MAX_ATTEMPTS", "abc")
	if got := slices.Sorted(maps.Keys(problemsOf())); !slices.Equal(got, []string{"AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_PROFILE"}) {
		t.Errorf("got %q", got)
	}
}
