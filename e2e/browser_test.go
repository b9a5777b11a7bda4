package e2e

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserTimeout bounds a test with a browser, on a busy machine.
const browserTimeout = 5 * time.Minute

// browserFlags restrict the browser to requests to the service under test.
var browserFlags = []chromedp.ExecAllocatorOption{
	chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
	chromedp.Flag("disable-background-networking", true),
	chromedp.Flag("disable-component-update", true),
	chromedp.Flag("disable-sync", true),
	chromedp.Flag("disable-dev-shm-usage", true),
	chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
}

// browser is a tab of a browser with a profile of its own.
type browser struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp requires it
}

func openBrowser(t *testing.T) browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium: scripts/test-deps.sh installs it")
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
	}, browserFlags...)
	allocator, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	ctx, expire := context.WithTimeout(ctx, browserTimeout)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("end the browser: %v", err)
		}
		expire()
		cancel()
		end()
	})
	return browser{t, ctx}
}

func (b browser) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// text waits for an element and returns its text.
func (b browser) text(element string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(element)))
	if err != nil {
		b.t.Fatalf("read %s: %v", element, err)
	}
	return strings.TrimSpace(text)
}

// authorize enters the demo's user and password in the page of a document.
func (b browser) authorize() {
	b.t.Helper()
	b.do("authorize",
		chromedp.Click(chromedp.CSS(".auth-wrapper > .btn.authorize")),
		chromedp.SendKeys(chromedp.CSS(`.modal-ux input[name="username"]`), "demo"),
		chromedp.SendKeys(chromedp.CSS(`.modal-ux input[name="password"]`), "demo"),
		chromedp.Click(chromedp.CSS(".modal-ux .auth-btn-wrapper .authorize")),
		chromedp.Click(chromedp.CSS(".modal-ux .btn-done")),
		chromedp.WaitNotPresent(chromedp.CSS(".modal-ux")),
	)
}

// tryOut executes an operation in the page, with its examples and the given parameters,
// and returns the status that the page shows.
func (b browser) tryOut(tag, operation string, values ...[2]string) string {
	b.t.Helper()
	block := "#operations-" + tag + "-" + operation
	b.do(operation,
		chromedp.Click(chromedp.CSS(block+" .opblock-summary-control")),
		chromedp.Click(chromedp.CSS(block+" .try-out__btn")))
	for _, value := range values {
		b.do(operation, chromedp.SendKeys(chromedp.CSS(block+` tr[data-param-name="`+value[0]+`"] input`), value[1]))
	}
	b.do(operation, chromedp.Click(chromedp.CSS(block+" .btn.execute")))
	return b.text(block + " .live-responses-table tbody .response-col_status")
}

// demoURL returns the URL of a demo's service.
func demoURL(t *testing.T, demo *process) string {
	t.Helper()
	found := regexp.MustCompile(`The service is at (http://\S+) `).FindStringSubmatch(demo.stdout.String())
	if found == nil {
		t.Fatalf("no address in:\n%s", demo.stdout)
	}
	return found[1]
}

func TestTryItOutWorksOnBothDocumentPages(t *testing.T) {
	base := demoURL(t, startDemo(t, onFreePorts))
	b := openBrowser(t)
	b.do("go from the root to /docs", chromedp.Navigate(base+"/"),
		chromedp.Click(chromedp.CSS(`a[href="docs"]`)), chromedp.WaitVisible(chromedp.CSS("#operations-membership-attachInstance")))
	b.authorize()
	for _, step := range []struct{ tag, operation, status string }{
		{"membership", "attachInstance", "201"}, {"membership", "listMachinesElb", "200"}, {"membership", "detachInstance", "201"},
		{"service", "checkHealth", "200"}, {"service", "checkReadiness", "200"},
	} {
		if got := b.tryOut(step.tag, step.operation); got != step.status {
			t.Errorf("%s is %s, want %s", step.operation, got, step.status)
		}
	}
	page := b.text("#operations-membership-detachInstance .live-responses-table tbody")
	change := regexp.MustCompile(`x-change-id: (\S+)`).FindStringSubmatch(page)
	if change == nil {
		t.Fatalf("no id of the change in %s", page)
	}

	b.do("go from /docs to /docs/v1",
		chromedp.Click(chromedp.CSS(`a[href="docs/v1"]`)), chromedp.WaitVisible(chromedp.CSS("#operations-record-listChanges")))
	b.authorize()
	for _, step := range []struct {
		tag, operation string
		values         [][2]string
	}{
		{"pools", "listPools", nil}, {"pools", "getPool", nil}, {"pools", "listMembers", nil}, {"pools", "getMember", nil}, {"pools", "getInstance", nil},
		{"record", "listChanges", nil}, {"record", "getChange", [][2]string{{"id", change[1]}}},
	} {
		if got := b.tryOut(step.tag, step.operation, step.values...); got != "200" {
			t.Errorf("%s is %s", step.operation, got)
		}
	}
	b.do("go from /docs/v1 to /docs",
		chromedp.Click(chromedp.CSS(`a[href="../docs"]`)), chromedp.WaitVisible(chromedp.CSS("#operations-membership-attachInstance")))
}

func TestPagesLoadWithCredentialsInURL(t *testing.T) {
	base := strings.Replace(demoURL(t, startDemo(t, onFreePorts)), "http://", "http://demo:demo@", 1)
	b := openBrowser(t)
	for path, shown := range map[string][2]string{"/docs": {"membership", "listMachinesElb"}, "/docs/v1": {"record", "listChanges"}} {
		tag, operation := shown[0], shown[1]
		b.do("load "+path, chromedp.Navigate(base+path), chromedp.WaitVisible(chromedp.CSS("#operations-"+tag+"-"+operation)))
		b.authorize()
		if got := b.tryOut(tag, operation); got != "200" {
			t.Errorf("%s is %s", operation, got)
		}
	}
}
