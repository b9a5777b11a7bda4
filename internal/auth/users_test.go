package auth_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/auth"
)

func TestUsersOfTheFileAreActorsOfThatName(t *testing.T) {
	a := newAuthenticator(t, auth.Options{UsersFile: writeUsers(t,
		"# people\n", line(t, "alice", "right"), "\r\n", strings.TrimSpace(line(t, "déploy bot", "with:colon"))+"\r\n")})
	for range 2 { // checked, then verified
		want(t, login(t, a, "alice", "right", here), "")
		want(t, login(t, a, "déploy bot", "with:colon", here), "")
		want(t, login(t, a, "alice", "with:colon", here), lsapi.CodeUnauthenticated)
		want(t, login(t, a, "bob", "right", here), lsapi.CodeUnauthenticated)
		want(t, login(t, a, "# people", "right", here), lsapi.CodeUnauthenticated)
	}
	if stats := a.Stats(); stats.Users != 2 || stats.Failures != 6 || stats.Throttled != 0 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestTokenAndFileCombine(t *testing.T) {
	a := newAuthenticator(t, auth.Options{Token: encode("bob:secret"), UsersFile: writeUsers(t, line(t, "alice", "right"))})
	want(t, login(t, a, "alice", "right", here), "")
	want(t, login(t, a, "bob", "secret", here), "")
	want(t, login(t, a, "bob", "right", here), lsapi.CodeUnauthenticated)
	want(t, login(t, a, "alice", "secret", here), lsapi.CodeUnauthenticated)
}

func TestAllBcryptPrefixesAreAccepted(t *testing.T) {
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		text := strings.Replace(line(t, "alice", "right"), "$2a$", prefix, 1)
		want(t, login(t, newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, text)}), "alice", "right", here), "")
	}
}

func TestLinesAreParsedLikeApache(t *testing.T) {
	good := strings.TrimSpace(line(t, "alice", "right"))
	for name, text := range map[string]string{
		"spaces at the end":    good + "  \t \n",
		"spaces at the start":  " \t" + good + "\n",
		"CRLF":                 "# people\r\n" + good + "\r\n",
		"CR alone":             "# people\r" + good + "\r",
		"no end":               "\n\n" + good,
		"byte order mark":      "\ufeff" + good + "\n",
		"further fields":       good + ":Alice Liddell:alice@example.org\n",
		"an empty field":       good + ":\n",
		"space before a field": good + " : Alice\n",
		"comment with a space": "  # carol:s3cret\n" + good + "\n",
		"a line of spaces":     " \t \n" + good + "\n",
		"a vertical tab":       good + "\v\f\n",
	} {
		t.Run(name, func(t *testing.T) {
			a, err := auth.New(auth.Options{UsersFile: writeUsers(t, text)})
			if err != nil {
				t.Fatal(err)
			}
			want(t, login(t, a, "alice", "right", here), "")
			if users := a.Stats().Users; users != 1 {
				t.Errorf("%d users are read, want 1", users)
			}
		})
	}
}

func TestLongestNameIsAccepted(t *testing.T) {
	name := strings.Repeat("n", 128)
	a := newAuthenticator(t, auth.Options{UsersFile: writeUsers(t, line(t, name, "right"))})
	want(t, login(t, a, name, "right", here), "")
}

func TestInvalidFileErrorHasLineNumbersAndNoText(t *testing.T) {
	good := line(t, "alice", "right")
	bcrypted := strings.TrimSpace(strings.TrimPrefix(good, "alice:"))
	for name, test := range map[string]struct{ text, message string }{
		"empty":                {"", "there are no users in it"},
		"comments alone":       {"# s3cret\n\n", "there are no users in it"},
		"no colon":             {good + "s3cret\n", "line 2: not of the form user:hash"},
		"no user":              {":" + bcrypted, "line 1: the user is empty"},
		"control character":    {"s3\x1bcret:" + bcrypted, "line 1: the user contains a control character"},
		"no text":              {"s3\xffcret:" + bcrypted, "line 1: the user contains a control character, an invisible character or invalid UTF-8"},
		"reversed":             {"s3\u202ecret:" + bcrypted, "line 1: the user contains a control character, an invisible character"},
		"of no width":          {"s3\u200bcret:" + bcrypted, "line 1: the user contains a control character, an invisible character"},
		"space at the end":     {"s3cret :" + bcrypted, "line 1: the user begins or ends with a space"},
		"long name":            {strings.Repeat("s3cret", 30) + ":" + bcrypted, "line 1: the user is longer than 128 bytes"},
		"a user twice":         {good + "\n" + good, "line 3: the user is already on line 1"},
		"the token's user":     {good + "bob:" + bcrypted, "line 2: the user is already that of API_TOKEN"},
		"MD5":                  {good + "carol:$apr1$s3cret$abcdefghijklmnopqrstuv\n", "line 2: the password is not hashed by bcrypt, but by MD5 (apr1"},
		"SHA-1":                {"carol:{SHA}s3cretW6ph5Mm5Pz8GgiULbPgzG37mj9g=", "line 1: the password is not hashed by bcrypt, but by SHA-1;"},
		"crypt":                {"carol:s3cretrtrtrtr", "line 1: the password is not hashed by bcrypt"},
		"plain":                {"carol:s3cret", "line 1: the password is not hashed by bcrypt"},
		"bcrypt as it was":     {"carol:" + strings.Replace(bcrypted, "$2a$", "$2x$", 1), "line 1: the password is not hashed by bcrypt, but by a faulty old bcrypt"},
		"half a hash":          {"carol:" + bcrypted[:40], "line 1: the bcrypt hash is damaged: it is not the 60 characters that bcrypt makes, but 40"},
		"a long hash":          {"carol:" + bcrypted + "s", "line 1: the bcrypt hash is damaged"},
		"a hash and more":      {"carol:" + bcrypted + " s3cret", "line 1: the bcrypt hash is damaged"},
		"no hash":              {"carol:", "line 1: the hash is empty"},
		"a comment for a hash": {"carol: :s3cret", "line 1: the hash is empty"},
		"UTF-16":               {"\xff\xfec\x00:\x00", "it is UTF-16"},
		"UTF-16, big":          {"\xfe\xff\x00c\x00:", "it is UTF-16"},
		"MD5 crypt":            {"carol:$1$s3cret$abcdefghijklmnopqrstuv", "not hashed by bcrypt, but by MD5 (crypt)"},
		"salted SHA-1":         {"carol:{SSHA}s3cret", "not hashed by bcrypt, but by SHA-1 (salted)"},
		"SHA-256":              {"carol:$5$s3cret", "not hashed by bcrypt, but by SHA-256"},
		"SHA-512":              {"carol:$6$s3cret", "not hashed by bcrypt, but by SHA-512"},
		"yescrypt":             {"carol:$y$s3cret", "not hashed by bcrypt, but by yescrypt"},
		"Argon2":               {"carol:$argon2id$s3cret", "not hashed by bcrypt, but by Argon2"},
		"CR alone":             {"# s3cret\rcarol:s3cret\r" + good, "line 2: the password is not hashed by bcrypt"},
		"cost of many seconds": {"carol:" + strings.Replace(bcrypted, "$04$", "$16$", 1), "line 1: the cost of the hash is not 4 to 15"},
		"cost of none":         {"carol:" + strings.Replace(bcrypted, "$04$", "$03$", 1), "line 1: the cost of the hash is not 4 to 15"},
		"five":                 {strings.Repeat("s3cret\n", 5), "line 5: not of the form user:hash"},
		"several":              {"s3cret\n" + good + ":\n", "line 1: not of the form user:hash; line 3: the user is empty"},
		"something else":       {strings.Repeat("s3cret\n", 1000), "line 5: not of the form user:hash; and 995 more"},
		"too large":            {strings.Repeat("# s3cret\n", 1<<17), "cannot read it: it is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			err := auth.CheckUsersFile(writeUsers(t, test.text), encode("bob:secret"))
			if lsapi.ErrorCode(err) != lsapi.CodeInvalid {
				t.Fatalf("got %v", err)
			}
			message := lsapi.AsError(err).Message
			if !strings.Contains(message, test.message) {
				t.Errorf("message is %q, want %q", message, test.message)
			}
			if strings.Contains(message, "and 0 more") {
				t.Errorf("message is %q", message)
			}
			if strings.Contains(message, "s3cret") || strings.Contains(message, "\n") || strings.Contains(message, bcrypted) {
				t.Errorf("the file's text shows in %q", message)
			}
		})
	}
}

func TestMissingOrWorldWritableFileIsRejected(t *testing.T) {
	open := writeUsers(t, line(t, "alice", "right"))
	if err := os.Chmod(open, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, problem := range map[string]string{
		open:                                 "chmod o-w",
		filepath.Join(t.TempDir(), "nobody"): "no such file",
		t.TempDir():                          "is a directory",
	} {
		if _, err := auth.New(auth.Options{UsersFile: path}); lsapi.ErrorCode(err) != lsapi.CodeInvalid || !strings.Contains(err.Error(), problem) {
			t.Errorf("got %v, want %s", err, problem)
		}
	}
}

// allowedErrors matches all that an error of a users file may contain.
var allowedErrors = regexp.MustCompile(`^(there are no users in it|it is UTF-16, as some shells of Windows write; save it as UTF-8|and \d+ more|cannot read it: it is larger than \d+ bytes|` +
	`line \d+: (not of the form user:hash|the user is (empty|longer than 128 bytes|already on line \d+|already that of API_TOKEN)|` +
	`the user begins or ends with a space|the user contains a control character, an invisible character or invalid UTF-8|` +
	`(the password is not hashed by bcrypt(, but by [^;:]*)?|the hash is empty|` +
	`the bcrypt hash is damaged: it is not the 60 characters that bcrypt makes, but \d+, or others); make the line with htpasswd -B|` +
	`the cost of the hash is not 4 to 15; each one more takes twice as long)|(; )?)*$`)

func FuzzUsersFile(f *testing.F) {
	good := line(f, "alice", "right")
	for _, seed := range []string{"", "\n", "#\n" + good, good + good, good[:30], ":" + good, "x\n" + good, good + "\r\n", "bob" + good[5:], "\ufeff" + good} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "users")
	f.Fuzz(func(t *testing.T, text string) {
		rewrite(t, path, text)
		a, err := auth.New(auth.Options{Token: encode("bob:secret"), UsersFile: path})
		if err != nil {
			if lsapi.ErrorCode(err) != lsapi.CodeInvalid || !allowedErrors.MatchString(lsapi.AsError(err).Message) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if users := a.Stats().Users; users < 2 || users > 1+strings.Count(text, "\n")+1 {
			t.Errorf("%q has %d users", text, users)
		}
	})
}
