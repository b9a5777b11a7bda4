package api

import _ "embed"

// Asset is a file of the page that shows the document.
type Asset struct {
	// Name is the file's name below the page, empty for the page itself.
	Name        string
	ContentType string
	// Content is compressed with gzip when Gzipped says so.
	Content []byte
	Gzipped bool
}

// The page is ours, the rest is Swagger UI with its licences, as docs/update.sh
// fetches it.
var (
	//go:embed docs/home.html
	home []byte
	//go:embed docs/index.html
	page []byte
	//go:embed docs/page.js
	script []byte
	//go:embed docs/v1.html
	v1Page []byte
	//go:embed docs/v1.js
	v1Script []byte
	//go:embed docs/swagger-ui.css.gz
	viewerStyle []byte
	//go:embed docs/swagger-ui-bundle.js.gz
	viewer []byte
	//go:embed docs/LICENSE
	viewerLicense []byte
	//go:embed docs/NOTICE
	viewerNotice []byte
	//go:embed docs/swagger-ui-bundle.js.LICENSE.txt
	viewerPartsLicenses []byte
)

const (
	html  = "text/html; charset=utf-8"
	js    = "text/javascript; charset=utf-8"
	css   = "text/css; charset=utf-8"
	plain = "text/plain; charset=utf-8"
)

// Docs returns the page that shows the document, and what it loads. Their names
// for each other hold when the page is served as "docs", beside "swagger.json"
// and "swagger.yaml", and the rest below "docs/".
func Docs() []Asset {
	return []Asset{
		{Name: "", ContentType: html, Content: page},
		{Name: "page.js", ContentType: js, Content: script},
		{Name: "swagger-ui.css", ContentType: css, Content: viewerStyle, Gzipped: true},
		{Name: "swagger-ui-bundle.js", ContentType: js, Content: viewer, Gzipped: true},
		{Name: "LICENSE", ContentType: plain, Content: viewerLicense},
		{Name: "NOTICE", ContentType: plain, Content: viewerNotice},
		{Name: "swagger-ui-bundle.js.LICENSE.txt", ContentType: plain, Content: viewerPartsLicenses},
	}
}

// Home returns the page that leads to the others, when it is served as the root.
func Home() Asset { return Asset{Name: "home", ContentType: html, Content: home} }

// V1Docs returns the page that shows the document of the /v1 API, and what it loads
// beside the assets of Docs. Their names hold below "docs/" like those, when
// "v1/openapi.json" and "v1/openapi.yaml" stand beside "docs".
func V1Docs() []Asset {
	return []Asset{
		{Name: "v1", ContentType: html, Content: v1Page},
		{Name: "v1.js", ContentType: js, Content: v1Script},
	}
}
