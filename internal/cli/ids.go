package cli

import (
	"lsapi"
	"lsapi/internal/sanitize"
)

// parsePool parses the id of a pool. A name alone is that of a Classic load balancer.
func parsePool(text string) (lsapi.PoolID, bool) {
	if lsapi.ValidPoolName(text) {
		return lsapi.ELB(text), true
	}
	return lsapi.ParsePoolPath(text)
}

// checkName rejects a text that is not the name of a load balancer.
func checkName(name string) error {
	if !lsapi.ValidPoolName(name) {
		return usagef("%s is not the name of a load balancer: 1 to 32 letters, digits and hyphens", sanitize.Escape(name))
	}
	return nil
}

// checkInstance rejects a text that is not the id of an instance.
func checkInstance(id string) error {
	if !lsapi.ValidInstanceID(id) {
		return usagef("%s is not the id of an instance, such as i-0592fe5ccee879f04", sanitize.Escape(id))
	}
	return nil
}
