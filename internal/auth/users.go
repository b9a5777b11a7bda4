package auth

import (
	"errors"
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"lsapi"
	"lsapi/internal/guarded"
	"lsapi/internal/printable"
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
	text, err := guarded.Read(path, maxFileSize)
	if err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeInvalid, Message: "cannot read it: " + err.Error(), Err: err}
	}
	return parseUsers(string(text), before)
}

// parseUsers reads lines of the form user:hash. Empty lines and those that begin
// with # are skipped, as Apache does.
//
// There is a library for the format, which passes over duplicates and bad lines
// and puts a line's text into its errors; what is left is to cut at a colon.
func parseUsers(text string, before *users) (*users, error) {
	after := usersBeside(before.token, before.seed)
	lineOf := make(map[string]int)
	var bad []string
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
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

// parseLine cuts a line in two. Its errors hold nothing of it.
func parseLine(line string) (user, hash string, err error) {
	user, hash, found := strings.Cut(line, ":")
	switch {
	case !found:
		return "", "", errors.New("not of the form user:hash")
	case user == "":
		return "", "", errors.New("the user is empty")
	case len(user) > maxName:
		return "", "", fmt.Errorf("the user is longer than %d bytes", maxName)
	case !printable.Is(user):
		return "", "", errors.New("there is a control character, an invisible one, or what is no text, in the user")
	case strings.TrimSpace(user) != user:
		return "", "", errors.New("the user begins or ends with a space")
	case !bcryptForm.MatchString(hash):
		return "", "", errors.New("the password is not hashed by bcrypt, as htpasswd -B does; other hashes are weak")
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil || cost > maxCost {
		return "", "", fmt.Errorf("the cost of the hash is not %d to %d; each one more takes twice as long", bcrypt.MinCost, maxCost)
	}
	return user, hash, nil
}

// tell joins what is wrong, the first of it if there is much.
func tell(bad []string) string {
	if more := len(bad) - maxToldLines; more > 0 {
		bad = append(bad[:maxToldLines:maxToldLines], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(bad, "; ")
}
