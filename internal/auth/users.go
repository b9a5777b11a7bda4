package auth

import (
	"errors"
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
	"lsapi/internal/safefile"
	"lsapi/internal/sanitize"
)

// users is an immutable set of accounts.
type users struct {
	token  *account   // nil: no API token
	listed []*account // of the users file, in its order
	byName map[string]*account
	seed   maphash.Seed // of dummyAccount
}

// newUsers returns the user of a token, which may be nil.
func newUsers(token *account) *users {
	u := &users{token: token, byName: make(map[string]*account), seed: maphash.MakeSeed()}
	if token != nil {
		u.byName[token.actor.Name] = token
	}
	return u
}

// lookUp returns the user's account, nil if there is none, and whether the password was
// verified before. It leaves the digest in the parser.
func (u *users) lookUp(p *parser, user, password []byte) (found *account, verified bool) {
	found = u.byName[string(user)]
	if found == nil {
		return nil, false
	}
	p.digest(user, password, found)
	return found, found.isVerified(&p.sum)
}

// dummyAccount returns an account to check the password of an unknown user against, so
// that the response time does not reveal which users exist. It is one of the users file,
// with its cost, and always the same for the same name.
func (u *users) dummyAccount(name []byte) *account {
	if len(u.listed) == 0 {
		return &account{quick: true}
	}
	return u.listed[maphash.Bytes(u.seed, name)%uint64(len(u.listed))]
}

// same reports whether two sets list the same accounts in the same order.
func (u *users) same(v *users) bool { return slices.Equal(u.listed, v.listed) }

// CheckUsersFile validates an htpasswd file. Token may be empty; its user must not be in
// the file. CodeInvalid; the message has line numbers, and no text of the file.
func CheckUsersFile(path, token string) error {
	var user *account
	if token != "" {
		user, _ = parseToken(token) // CheckToken reports its errors
	}
	_, err := readUsers(path, newUsers(user))
	return err
}

// readUsers returns the users of a file. Unchanged accounts of before are kept, with
// their verified passwords.
func readUsers(path string, before *users) (*users, error) {
	text, err := safefile.Read(path, maxFileSize)
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeInvalid, Message: "cannot read it: " + err.Error(), Err: errors.Join(safefile.ErrUnreadable, err)}
	}
	return parseUsers(string(text), before)
}

// parseUsers parses lines of the form user:hash as Apache does: it trims lines, skips
// empty lines and comments, and ignores fields after the hash.
//
// The library for the format ignores duplicates and bad lines, and copies a line's text
// into its errors.
func parseUsers(text string, before *users) (*users, error) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "it is UTF-16, as some shells of Windows write; save it as UTF-8")
	}
	after := newUsers(before.token)
	after.seed = before.seed
	lineOf := make(map[string]int)
	var bad []string
	number := 0
	for line := range strings.SplitSeq(lineEnds.Replace(text), "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, hash, err := parseLine(line)
		if err == nil {
			err = after.unused(user, lineOf)
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("line %d: %v", number, err))
			continue
		}
		lineOf[user] = number
		after.add(before, user, hash)
	}
	if len(bad) == 0 && len(after.listed) == 0 {
		bad = append(bad, "there are no users in it")
	}
	if len(bad) > 0 {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "%s", joinProblems(bad))
	}
	return after, nil
}

// unused returns an error if the name is a duplicate.
func (u *users) unused(name string, lineOf map[string]int) error {
	if line := lineOf[name]; line > 0 {
		return fmt.Errorf("the user is already on line %d", line)
	}
	if u.byName[name] != nil {
		return errors.New("the user is already that of API_TOKEN")
	}
	return nil
}

// add adds a user, with the account of before if nothing of it differs.
func (u *users) add(before *users, name, hash string) {
	actor := lsapi.Actor{Name: name}
	a := before.byName[name]
	if a == nil || string(a.hash) != hash || a.actor != actor {
		a = &account{actor: actor, hash: []byte(hash)}
	}
	u.byName[name] = a
	u.listed = append(u.listed, a)
}

// bcryptForm matches the hashes of htpasswd -B. (2x marks those of a faulty library.)
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}$`)

// lineEnds normalizes line ends.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// parseLine returns the first two fields of a line. Its errors contain no text of it.
func parseLine(line string) (user, hash string, err error) {
	user, rest, found := strings.Cut(line, ":")
	hash, _, _ = strings.Cut(rest, ":")
	hash = strings.TrimSpace(hash)
	switch {
	case !found:
		return "", "", errors.New("not of the form user:hash")
	case user == "":
		return "", "", errors.New("the user is empty")
	case len(user) > maxName:
		return "", "", fmt.Errorf("the user is longer than %d bytes", maxName)
	case !sanitize.IsPrintable(user):
		return "", "", errors.New("the user contains a control character, an invisible character or invalid UTF-8")
	case strings.TrimSpace(user) != user:
		return "", "", errors.New("the user begins or ends with a space")
	case !bcryptForm.MatchString(hash):
		return "", "", badHash(hash)
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || cost > maxCost {
		return "", "", fmt.Errorf("the cost of the hash is not %d to %d; each one more takes twice as long", bcrypt.MinCost, maxCost)
	}
	return user, hash, nil
}

// otherHashes are the prefixes of other password hashes.
var otherHashes = []struct{ prefix, name string }{
	{"$apr1$", "MD5 (apr1, the default of older htpasswd)"},
	{"$1$", "MD5 (crypt)"},
	{"{SHA}", "SHA-1"},
	{"{SSHA}", "SHA-1 (salted)"},
	{"$5$", "SHA-256 (crypt)"},
	{"$6$", "SHA-512 (crypt)"},
	{"$y$", "yescrypt"},
	{"$argon2", "Argon2"},
	{"$2x$", "a faulty old bcrypt ($2x$)"},
}

// badHash returns the error for a hash that is not of bcrypt.
func badHash(hash string) error {
	const advice = "; make the line with htpasswd -B"
	if hash == "" {
		return errors.New("the hash is empty" + advice)
	}
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		if strings.HasPrefix(hash, prefix) {
			return fmt.Errorf("the bcrypt hash is damaged: it is not the 60 characters that bcrypt makes, but %d, or others%s", len(hash), advice)
		}
	}
	for _, other := range otherHashes {
		if strings.HasPrefix(hash, other.prefix) {
			return fmt.Errorf("the password is not hashed by bcrypt, but by %s%s", other.name, advice)
		}
	}
	return errors.New("the password is not hashed by bcrypt" + advice)
}

// joinProblems joins the first maxReportedLines problems.
func joinProblems(bad []string) string {
	if more := len(bad) - maxReportedLines; more > 0 {
		bad = append(bad[:maxReportedLines:maxReportedLines], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(bad, "; ")
}
