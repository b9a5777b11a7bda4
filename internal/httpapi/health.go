package httpapi

import "net/http"

// up says that the service is. It asks nobody, so that nothing can delay it.
func (s *server) up(x *exchange) error {
	x.Header().Set("Cache-Control", "no-store")
	return x.sendJSON(http.StatusOK, s.envelope.value("ok"))
}
