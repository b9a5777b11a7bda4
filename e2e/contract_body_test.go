package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const bodyLimit = 64 << 10

func TestInvalidBodyIsDescribed(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	before := a.members("default-elb")
	for name, test := range map[string]struct {
		body    string
		message string // a part of the error
	}{
		"nothing":                 {"", "empty"},
		"not JSON":                {"instanceId=" + spare, "JSON"},
		"half of JSON":            {`{"instanceId":"` + spare + `"`, "JSON"},
		"not UTF-8":               {"{\"instanceId\":\"" + spare + "\",\"x\":\"\xff\"}", "UTF-8"},
		"an array":                {`["` + spare + `"]`, "object"},
		"a string":                {`"` + spare + `"`, "object"},
		"a number":                {`7`, "object"},
		"null":                    {`null`, "object"},
		"no instanceId":           {`{}`, "instanceId"},
		"its name in other case":  {`{"InstanceID":"` + spare + `"}`, "instanceId"},
		"a number for an id":      {`{"instanceId":7}`, "string"},
		"null for an id":          {`{"instanceId":null}`, "string"},
		"an array of ids":         {`{"instanceId":["` + spare + `"]}`, "string"},
		"no id":                   {machineID(""), "instanceId"},
		"another thing's id":      {machineID("vol-0bee000000000cd01"), "instanceId"},
		"too few digits":          {machineID("i-520342"), "instanceId"},
		"a number between":        {machineID("i-5203422c0"), "instanceId"},
		"too many digits":         {machineID(spare + "0"), "instanceId"},
		"no hexadecimal digits":   {machineID("i-5203422g"), "instanceId"},
		"a newline at the end":    {`{"instanceId":"` + spare + `\n"}`, "instanceId"},
		"a space in front":        {machineID(" " + spare), "instanceId"},
		"something behind":        {machineID(spare) + `x`, "after"},
		"another object behind":   {machineID(spare) + machineID(spare), "after"},
		"an unknown instance":     {machineID(unheardOf), unheardOf},
		"one that is stopped":     {machineID(stopped), "running"},
		"one that is terminated":  {machineID(terminated), "running"},
		"a mark of byte order":    {"\ufeff" + machineID(spare), "JSON"},
		"deeply nested in itself": {strings.Repeat("[", 20_000), "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.on(t).send(http.MethodPost, "/elb/default-elb", test.body)
			if answer.status != http.StatusBadRequest {
				t.Errorf("it is %d, want 400", answer.status)
			}
			if text := answer.errorText(t, "message"); !strings.Contains(text, test.message) {
				t.Errorf("it does not say %q: %s", test.message, text)
			}
		})
	}
	if after := a.members("default-elb"); !slices.Equal(after, before) {
		t.Errorf("a refused request changed the members to %v", after)
	}
}

func TestDetachWithInvalidBodyIsRefused(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	for _, body := range []string{"", "{", "[]", "{}", `{"instanceId":7}`, machineID("i-7"), machineID(member) + "x", "\xff"} {
		if answer := s.send(http.MethodDelete, "/elb/default-elb", body); answer.status != http.StatusBadRequest {
			t.Errorf("%q is %d: %s", body, answer.status, answer.body)
		}
	}
}

func TestBodyIsParsedWhateverItsContentType(t *testing.T) {
	t.Parallel()
	padding := bodyLimit - len(machineID(spare))
	for name, request := range map[string]struct{ body, header string }{
		"with a form's content type": {machineID(spare), "Content-Type: application/x-www-form-urlencoded"},
		"without a content type":     {machineID(spare), ""},
		"with other fields":          {`{"reason":"deploy","instanceId":"` + spare + `","x":{"instanceId":null}}`, ""},
		"with space around it":       {"\r\n\t " + machineID(spare) + " \n", ""},
		"with its name escaped":      {`{"instance\u0049d":"` + spare + `"}`, ""},
		"of exactly 64 KiB":          {machineID(spare) + strings.Repeat(" ", padding), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := startBoth(t)
			var headers []string
			if request.header != "" {
				headers = append(headers, request.header)
			}
			if answer := s.on(t).send(http.MethodPost, "/elb/default-elb", request.body, headers...); answer.status != http.StatusCreated {
				t.Errorf("it is %d: %s", answer.status, answer.body)
			}
		})
	}
}

func TestBodyOver64KiBIsTooLarge(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	address := strings.TrimPrefix(s.base, "http://")
	head := "POST /elb/default-elb HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Basic " + apiToken() + "\r\n"
	tooLarge := machineID(spare) + strings.Repeat(" ", bodyLimit)
	for name, request := range map[string]string{
		"as its length says in advance": head + "Content-Length: 10000000\r\n\r\n",
		"as its length says":            head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(tooLarge), tooLarge),
		"in chunks":                     head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(tooLarge) + "0\r\n\r\n",
		"in chunks without an end":      head + "Transfer-Encoding: chunked\r\n\r\n" + chunk(tooLarge),
	} {
		t.Run(name, func(t *testing.T) {
			answer := exchange(t, address, request)
			if answer.status != http.StatusRequestEntityTooLarge {
				t.Errorf("it is %d, want 413", answer.status)
			}
			answer.errorText(t, "message")
		})
	}
	if calls := a.calls(); len(calls) != 0 {
		t.Errorf("AWS was called: %v", calls)
	}
}

// Many clients write the whole request before they read: closing the connection earlier
// would lose the response.
func TestClientThatStillSendsGetsTheResponse(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	address := strings.TrimPrefix(s.base, "http://")
	for _, method := range []string{"POST", "PUT"} {
		connection := dial(t, address)
		fmt.Fprintf(connection, "%s /elb/default-elb HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
			method, address, apiToken(), bodyLimit+2)
		reader := bufio.NewReader(connection)
		if _, err := reader.Peek(1); err != nil {
			t.Fatalf("%s is not answered: %v", method, err)
		}
		for range 2 {
			if _, err := io.WriteString(connection, strings.Repeat(" ", bodyLimit/2+1)); err != nil {
				t.Errorf("%s is answered and cut off: %v", method, err)
			}
		}
	}
}

func TestChunkedBodyIsReadCompletely(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	address := strings.TrimPrefix(s.base, "http://")
	body := machineID(spare)
	answer := exchange(t, address, "POST /elb/default-elb HTTP/1.1\r\nHost: "+address+"\r\nAuthorization: Basic "+apiToken()+
		"\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk(body[:9])+chunk(body[9:])+"0\r\n\r\n")
	if answer.status != http.StatusCreated {
		t.Errorf("it is %d: %s", answer.status, answer.body)
	}
}

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// exchange sends a raw request and reads its one response.
func exchange(t *testing.T, address, request string) response {
	t.Helper()
	connection := dial(t, address)
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, string(text)}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	return connection
}
