package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"lsapi"
	"lsapi/internal/sanitize"
)

// CheckToken validates an API token: base64 of "user:password", neither of them empty.
// CodeInvalid; the message shows how to make one, and never contains the token.
func CheckToken(token string) error {
	_, err := parseToken(token)
	return err
}

// parseToken returns the user of an API token.
func parseToken(token string) (*account, error) {
	credentials, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return nil, badToken("it is not base64")
	}
	user, password, found := strings.Cut(string(credentials), ":")
	switch {
	case len(token) > maxEncoded:
		return nil, badToken("it is longer than 1,024 characters")
	case !utf8.Valid(credentials):
		return nil, badToken("it does not decode to text")
	case !found:
		return nil, badToken("it does not decode to user:password")
	case user == "" || password == "":
		return nil, badToken("the user or the password in it is empty")
	case strings.ContainsFunc(string(credentials), unicode.IsControl):
		// Often the newline of an echo without -n. RFC 7617 allows none.
		return nil, badToken("there is a control character, such as a newline, in it")
	case !sanitize.IsPrintable(user):
		return nil, badToken("there is an invisible character in the user")
	}
	digest := sha256.Sum256([]byte(password))
	return &account{actor: lsapi.Actor{Name: user}, hash: digest[:], quick: true}, nil
}

func badToken(why string) error {
	return lsapi.Errorf(lsapi.CodeInvalid,
		"malformed token: %s; make one with: printf '%%s' 'user:password' | base64", why)
}
