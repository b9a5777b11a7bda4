package status_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"lsapi"
	"lsapi/api/status"
)

// codes returns the codes that the root package declares.
func codes(t *testing.T) []lsapi.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []lsapi.Code
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, lsapi.Code(text))
		return true
	})
	if len(found) < 10 {
		t.Fatalf("found only %v", found)
	}
	return found
}

func TestEveryCodeComesBackFromItsStatusAndHeader(t *testing.T) {
	for _, code := range codes(t) {
		public := status.Public(code)
		if public != code && code != lsapi.CodeForbidden {
			t.Errorf("%s is not in the table", code)
		}
		if got := status.Code(status.Of(code), string(public)); got != public {
			t.Errorf("%s comes back as %s", code, got)
		}
	}
}

func TestForbiddenStaysInTheLog(t *testing.T) {
	if got := status.Public(lsapi.CodeForbidden); got != lsapi.CodeUpstream || status.Of(lsapi.CodeForbidden) != 502 {
		t.Errorf("it is %s", got)
	}
}

func TestStatusWithoutHeaderHasTheUsualMeaning(t *testing.T) {
	for given, want := range map[int]lsapi.Code{
		400: lsapi.CodeInvalid, 403: lsapi.CodeDenied, 404: lsapi.CodeNotFound, 408: lsapi.CodeTimeout, 409: lsapi.CodeConflict,
		410: lsapi.CodeGone, 413: lsapi.CodeTooLarge, 418: lsapi.CodeInternal, 429: lsapi.CodeThrottled, 502: lsapi.CodeUpstream,
		503: lsapi.CodeUnavailable, 504: lsapi.CodeTimeout, 599: lsapi.CodeInternal, 302: lsapi.CodeInternal,
	} {
		if got := status.Code(given, ""); got != want {
			t.Errorf("%d is %s, want %s", given, got, want)
		}
	}
}

func TestHeaderThatDoesNotFitTheStatusIsIgnored(t *testing.T) {
	for _, test := range []struct {
		status int
		header string
		want   lsapi.Code
	}{
		{503, "lane_full", lsapi.CodeUnavailable}, // of a later version
		{503, "not_found", lsapi.CodeUnavailable},
		{408, "a_later_word", lsapi.CodeWaitTimeout},
		{404, "made up", lsapi.CodeNotFound},
	} {
		if got := status.Code(test.status, test.header); got != test.want {
			t.Errorf("%d %s is %s, want %s", test.status, test.header, got, test.want)
		}
	}
}

func TestUnknownCodeIsInternal(t *testing.T) {
	if got := status.Public("odd"); got != lsapi.CodeInternal || status.Of("odd") != 500 {
		t.Errorf("it is %s %d", got, status.Of("odd"))
	}
}

func TestPageListsEveryCodeWithItsStatus(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, " | ")
		if len(cells) < 3 || !strings.HasPrefix(cells[0], "| ") || strings.Trim(cells[0], "| 0123456789") != "" || cells[0] < "| 400" {
			continue // no row of an error
		}
		listed++
		code := lsapi.Code(strings.Trim(cells[1], "`"))
		if want := strconv.Itoa(status.Of(code)); status.Public(code) != code || strings.Trim(cells[0], "| ") != want {
			t.Errorf("%s has the status %s on the page, want %s", code, cells[0], want)
		}
	}
	if want := len(status.Codes()); listed != want {
		t.Errorf("%d codes are listed, want %d", listed, want)
	}
}
