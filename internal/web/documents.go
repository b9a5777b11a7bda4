package web

import (
	"net/http"
	"sync"

	"lsapi/api"
)

// docsPolicy lets the page of the documents load nothing but what this server
// has, and run nothing that stands in the page itself. The viewer brings its
// pictures as data.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// documentRoutes are the contract's document and the page that shows it, which
// everybody may see.
func (s *server) documentRoutes() []route {
	derive := api.Swagger
	if s.envelope == EnvelopeNone {
		derive = api.BareSwagger
	}
	// At the first request: most processes never get one.
	swagger := sync.OnceValues(func() (api.Document, error) { return derive(s.version) })
	routes := []route{
		{pattern: "/swagger.yaml", get: func(x *exchange) error {
			document, err := swagger()
			if err != nil {
				return err
			}
			return sendDocument(x, "application/yaml", entityTag(document.YAML), document.YAML)
		}},
		{pattern: "/swagger.json", get: func(x *exchange) error {
			document, err := swagger()
			if err != nil {
				return err
			}
			return sendDocument(x, "application/json", entityTag(document.JSON), document.JSON)
		}},
	}
	for _, asset := range api.Docs() {
		routes = append(routes, assetRoute(asset))
	}
	return append(routes, homeRoute())
}

// homeRoute is the root. For browsers it is a page that leads to the documents; for
// everybody else there is no such path.
func homeRoute() route {
	home := assetRoute(api.Home())
	home.pattern = "/{$}"
	home.checks = []endpoint{func(x *exchange) error {
		x.Header().Set("Vary", "Accept")
		if !accepts(x.request.Header["Accept"], "text/html") {
			return errNoSuchPath()
		}
		return nil
	}}
	return home
}

func assetRoute(asset api.Asset) route {
	pattern := "/docs"
	if asset.Name != "" {
		pattern += "/" + asset.Name
	}
	tag := sync.OnceValue(func() string { return entityTag(asset.Content) })
	if asset.Gzipped {
		return route{pattern: pattern, get: newGzipped(asset.ContentType, asset.Content, tag).send}
	}
	return route{pattern: pattern, get: func(x *exchange) error {
		return sendDocument(x, asset.ContentType, tag(), asset.Content)
	}}
}

// sendDocument answers with bytes that change only with the program.
func sendDocument(x *exchange, contentType, tag string, content []byte) error {
	if current(x, tag) {
		return nil
	}
	return x.send(http.StatusOK, contentType, content)
}

// current sets the headers that let caches keep a document as long as they ask
// whether it has changed, and answers with 304 when the client has it.
func current(x *exchange, tag string) bool {
	h := x.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", docsPolicy)
	h.Set("ETag", tag)
	if matchesAny(x.request.Header["If-None-Match"], tag) {
		x.WriteHeader(http.StatusNotModified)
		return true
	}
	return false
}
