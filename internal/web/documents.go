package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"

	"lsapi/api"
	"lsapi/internal/web/elb"
	"lsapi/internal/web/exchange"
	v1 "lsapi/internal/web/v1"
)

// docsPolicy lets the pages of the documents load only what this server serves. The
// viewer's pictures are data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// documentRoutes are the contract's document, the page that shows it, and the root.
func documentRoutes(o *Options) []exchange.Route {
	derive := api.Swagger
	if o.Envelope == elb.EnvelopeNone {
		derive = api.BareSwagger
	}
	swagger := sync.OnceValues(func() (api.Document, error) { return derive(o.Version) }) // most processes serve none
	routes := []exchange.Route{
		generatedRoute("/swagger.json", exchange.TypeJSON, func() ([]byte, error) { d, err := swagger(); return d.JSON, err }),
		generatedRoute("/swagger.yaml", typeYAML, func() ([]byte, error) { d, err := swagger(); return d.YAML, err }),
		homeRoute(),
	}
	return append(routes, assetRoutes(api.Docs())...)
}

// v1DocumentRoutes are the document of the /v1 API and the page that shows it.
func v1DocumentRoutes(of *v1.API) []exchange.Route {
	document := sync.OnceValues(of.Document)
	routes := []exchange.Route{
		generatedRoute("/v1/openapi.json", exchange.TypeJSON, func() ([]byte, error) { d, err := document(); return d.JSON, err }),
		generatedRoute("/v1/openapi.yaml", typeYAML, func() ([]byte, error) { d, err := document(); return d.YAML, err }),
	}
	return append(routes, assetRoutes(api.V1Docs())...)
}

const typeYAML = "application/yaml"

// generatedRoute is the route of a document that is made for the first request.
func generatedRoute(pattern, contentType string, content func() ([]byte, error)) exchange.Route {
	return exchange.Route{Pattern: pattern, Public: true, Get: func(x *exchange.Exchange) error {
		body, err := content()
		if err != nil {
			return err
		}
		return sendDocument(x, contentType, exchange.EntityTag(body), body)
	}}
}

// homeRoute is the root: for browsers a page with links to the documents, for other
// clients an unknown path.
func homeRoute() exchange.Route {
	home := assetRoute(api.Home())
	home.Pattern = "/{$}"
	home.Checks = []exchange.Endpoint{func(x *exchange.Exchange) error {
		x.Header().Set("Vary", "Accept")
		if !exchange.Accepts(x.Request.Header["Accept"], "text/html") {
			return exchange.ErrNoSuchPath()
		}
		return nil
	}}
	return home
}

func assetRoutes(assets []api.Asset) []exchange.Route {
	routes := make([]exchange.Route, len(assets))
	for i, asset := range assets {
		routes[i] = assetRoute(asset)
	}
	return routes
}

func assetRoute(asset api.Asset) exchange.Route {
	route := exchange.Route{Pattern: strings.TrimSuffix("/docs/"+asset.Name, "/"), Public: true}
	tag := sync.OnceValue(func() string { return exchange.EntityTag(asset.Content) })
	if asset.Gzipped {
		route.Get = gzippedEndpoint(asset, tag)
	} else {
		route.Get = func(x *exchange.Exchange) error {
			return sendDocument(x, asset.ContentType, tag(), asset.Content)
		}
	}
	return route
}

// gzippedEndpoint sends a compressed asset, decompressed to clients that do not accept
// gzip. The two forms have different tags.
func gzippedEndpoint(asset api.Asset, tag func() string) exchange.Endpoint {
	plain := sync.OnceValues(func() ([]byte, error) { return decompress(asset.Content) })
	return func(x *exchange.Exchange) error {
		x.Header().Set("Vary", "Accept-Encoding")
		if exchange.Accepts(x.Request.Header["Accept-Encoding"], "gzip") {
			if notModified(x, tag()) {
				return nil
			}
			x.Header().Set("Content-Encoding", "gzip")
			return x.Send(http.StatusOK, asset.ContentType, asset.Content)
		}
		content, err := plain()
		if err != nil {
			return err
		}
		return sendDocument(x, asset.ContentType, strings.TrimSuffix(tag(), `"`)+`-plain"`, content)
	}
}

func decompress(compressed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

// sendDocument answers with bytes that change only with the program.
func sendDocument(x *exchange.Exchange, contentType, tag string, content []byte) error {
	if notModified(x, tag) {
		return nil
	}
	return x.Send(http.StatusOK, contentType, content)
}

// notModified sets the headers of a document, which caches may keep and must revalidate,
// and answers 304 if the client has it.
func notModified(x *exchange.Exchange, tag string) bool {
	x.Header().Set("Cache-Control", "no-cache")
	x.Header().Set("Content-Security-Policy", docsPolicy)
	return x.NotModified(tag)
}
