package cli

import (
	"lsapi"
	"lsapi/internal/sanitize"
)

// checkInstance rejects a text that is not the id of an instance.
func checkInstance(id string) error {
	if !lsapi.ValidInstanceID(id) {
		return usagef("%s is not the id of an instance, such as i-0592fe5ccee879f04", sanitize.Escape(id))
	}
	return nil
}

// parsePool parses the id of a pool. A name alone is that of a Classic load balancer.
func parsePool(text string) (lsapi.PoolID, bool) {
	if lsapi.ValidPoolName(text) {
		return lsapi.ELB(text), true
	}
	return lsapi.ParsePoolPath(text)
}
