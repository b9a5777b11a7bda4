package cloud

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"

	"lsapi/internal/safefile"
)

// variableValues returns the variables of the AWS SDK with a fixed set of values. The SDK
// fails for any other value, as for a number of wholeNumbers that is none.
func variableValues() map[string][]string {
	boolean, checksum := []string{"true", "false"}, []string{"when_supported", "when_required"}
	return map[string][]string{
		"AWS_ACCOUNT_ID_ENDPOINT_MODE":             {"preferred", "required", "disabled"},
		"AWS_DEFAULTS_MODE":                        {"auto", "cross-region", "in-region", "legacy", "mobile", "standard"},
		"AWS_DISABLE_CLOCK_SKEW_CORRECTION":        boolean,
		"AWS_DISABLE_REQUEST_COMPRESSION":          boolean,
		"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE":   {"IPv4", "IPv6"},
		"AWS_EC2_METADATA_V1_DISABLED":             boolean,
		"AWS_ENABLE_ENDPOINT_DISCOVERY":            {"true", "false", "auto"},
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS":      boolean,
		"AWS_REQUEST_CHECKSUM_CALCULATION":         checksum,
		"AWS_RESPONSE_CHECKSUM_VALIDATION":         checksum,
		"AWS_RESTRICT_FILE_PERMISSIONS":            {"user_read_write", "unrestricted"},
		"AWS_RETRY_MODE":                           {"standard", "adaptive"},
		"AWS_S3_DISABLE_EXPRESS_SESSION_AUTH":      boolean,
		"AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS": boolean,
		"AWS_S3_USE_ARN_REGION":                    boolean,
		"AWS_USE_DUALSTACK_ENDPOINT":               boolean,
		"AWS_USE_FIPS_ENDPOINT":                    boolean,
	}
}

func wholeNumbers() []string {
	return []string{"AWS_MAX_ATTEMPTS", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES"}
}

// CheckVariables reports each variable with which New would fail: those with an invalid
// value, and those that name a missing profile or file. value returns the value of a
// variable, empty if it is not set. No problem contains a value, but for the name of a
// profile that exists.
func CheckVariables(value func(variable string) string, report func(variable, problem string)) {
	values := variableValues()
	for _, variable := range slices.Sorted(maps.Keys(values)) {
		allowed := values[variable]
		isAllowed := func(a string) bool { return strings.EqualFold(a, value(variable)) }
		if value(variable) != "" && !slices.ContainsFunc(allowed, isAllowed) {
			report(variable, "not one of "+strings.Join(allowed, ", "))
		}
	}
	for _, variable := range wholeNumbers() {
		if _, err := strconv.ParseUint(value(variable), 10, 63); value(variable) != "" && err != nil {
			report(variable, "not a whole number")
		}
	}
	if path := value("AWS_CA_BUNDLE"); path != "" {
		text, err := os.ReadFile(path) // the SDK reads it, too
		if err != nil {
			report("AWS_CA_BUNDLE", "cannot read this file: "+safefile.WithoutPath(err).Error())
		} else if !x509.NewCertPool().AppendCertsFromPEM(text) {
			report("AWS_CA_BUNDLE", "no file of certificates in the PEM format")
		}
	}
	checkProfile(value, report)
}

// checkProfile reports a named profile that does not exist.
func checkProfile(value func(variable string) string, report func(variable, problem string)) {
	profile := value("AWS_PROFILE")
	if profile == "" {
		return // a missing default profile is none
	}
	_, err := config.LoadSharedConfigProfile(context.Background(), profile, func(o *config.LoadSharedConfigOptions) {
		if path := value("AWS_CONFIG_FILE"); path != "" {
			o.ConfigFiles = []string{path}
		}
		if path := value("AWS_SHARED_CREDENTIALS_FILE"); path != "" {
			o.CredentialsFiles = []string{path}
		}
	})
	if _, missing := errors.AsType[config.SharedConfigProfileNotExistError](err); missing {
		report("AWS_PROFILE", "there is no such profile in the files of the AWS SDK, or they cannot be read")
	} else if err != nil {
		report("AWS_PROFILE", "the AWS SDK rejects this profile: "+err.Error())
	}
}
