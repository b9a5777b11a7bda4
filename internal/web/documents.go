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
	routes := generatedRoutes("/swagger", func() (api.Document, error) { return derive(o.Version) })
	return append(append(routes, homeRoute()), assetRoutes(api.Docs())...)
}

// v1DocumentRoutes are the document of the /v1 API and the page that shows it.
func v1DocumentRoutes(of *v1.API) []exchange.Route {
	return append(generatedRoutes("/v1/openapi", of.Document), assetRoutes(api.V1Docs())...)
}

// generatedRoutes are both notations of a document, which is made for the first request.
func generatedRoutes(base string, generate func() (api.Document, error)) []exchange.Route {
	document := sync.OnceValues(generate)
	route := func(extension, contentType string, notation func(api.Document) []byte) exchange.Route {
		return exchange.Route{Pattern: base + extension, Public: true, Get: func(x *exchange.Exchange) error {
			d, err := document()
			if err != nil {
				return err
			}
			return sendDocument(x, contentType, exchange.EntityTag(notation(d)), notation(d))
		}}
	}
	return []exchange.Route{
		route(".json", exchange.TypeJSON, func(d api.Document) []byte { return d.JSON }),
		route(".yaml", "application/yaml", func(d api.Document) []byte { return d.YAML }),
	}
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
