package auth

import (
	"errors"
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
	"lsapi/internal/safefile"
	"lsapi/internal/sanitize"
)

// users are those who may ask. They never change; others take their place.
type users struct {
	token  *account   // nil: there is no API token
	listed []*account // those of the users file, in its order
	byName map[string]*account
	seed   maphash.Seed // see standIn
}

// newUsers returns the one user of a token, or none.
func newUsers(token *account) *users {
	return usersBeside(token, maphash.MakeSeed())
}

func usersBeside(token *account, seed maphash.Seed) *users {
	u := &users{token: token, byName: make(map[string]*account), seed: seed}
	if token != nil {
		u.byName[token.actor.Name] = token
	}
	return u
}

// standIn returns an account against which the password of an unknown user is
// checked, for the time that it takes alone: names cannot be found out by how long
// an answer takes. It is somebody's of the users file, so that it costs what theirs
// do, and always the same one's for the same name.
func (u *users) standIn(name []byte) *account {
	if len(u.listed) == 0 {
		return &account{quick: true} // nobody's takes long
	}
	return u.listed[maphash.Bytes(u.seed, name)%uint64(len(u.listed))]
}

// CheckUsersFile says what is wrong with an htpasswd file, beside an API token
// that may be empty. CodeInvalid; the message names lines and shows nothing of
// them.
func CheckUsersFile(path, token string) error {
	var user *account
	if token != "" {
		user, _ = parseToken(token) // what is wrong with it CheckToken says
	}
	_, err := readUsers(path, newUsers(user))
	return err
}

// readUsers returns the users of a file, in the place of others. Those that have
// not changed stay as they are, and so does what is known of their passwords.
func readUsers(path string, before *users) (*users, error) {
	text, err := safefile.Read(path, maxFileSize)
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeInvalid, Message: "cannot read it: " + err.Error(), Err: err}
	}
	return parseUsers(string(text), before)
}

// parseUsers reads lines of the form user:hash as Apache does: space around a line is
// not part of it, lines that are empty or begin with # are skipped, and fields behind the
// hash are for people.
//
// There is a library for the format, which passes over duplicates and bad lines
// and puts a line's text into its errors; what is left is to cut at a colon.
func parseUsers(text string, before *users) (*users, error) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "it is UTF-16, as some shells of Windows write; save it as UTF-8")
	}
	after := usersBeside(before.token, before.seed)
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
		return nil, lsapi.Errorf(lsapi.CodeInvalid, "%s", tell(bad))
	}
	return after, nil
}

// unused says what is wrong with one more user of a name.
func (u *users) unused(name string, lineOf map[string]int) error {
	if line := lineOf[name]; line > 0 {
		return fmt.Errorf("the user is that of line %d", line)
	}
	if u.byName[name] != nil {
		return errors.New("the user is that of API_TOKEN")
	}
	return nil
}

// add adds a user: the account of before, if its hash is the same.
func (u *users) add(before *users, name, hash string) {
	a := before.byName[name]
	if a == nil || string(a.hash) != hash {
		a = &account{actor: lsapi.Actor{Name: name}, hash: []byte(hash)}
	}
	u.byName[name] = a
	u.listed = append(u.listed, a)
}

// bcryptForm is of what htpasswd -B and its like make. (2x marks the hashes of
// a library that got them wrong.)
var bcryptForm = regexp.MustCompile(`^\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}$`)

// lineEnds makes the ends of lines of every system those of one.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// parseLine returns the first two fields of a line. Its errors hold nothing of it.
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
		return "", "", errors.New("there is a control character, an invisible one, or what is no text, in the user")
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

// otherHashes are the hashes that htpasswd and its like make, by how they begin.
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

// badHash says what is wrong with a hash that is not one of bcrypt.
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

// tell joins what is wrong, the first of it if there is much.
func tell(bad []string) string {
	if more := len(bad) - maxToldLines; more > 0 {
		bad = append(bad[:maxToldLines:maxToldLines], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(bad, "; ")
}
