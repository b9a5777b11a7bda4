package cli

import (
	"errors"
	"fmt"
	"io"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/sanitize"
)

// outdatedKinds warns of kinds of pools that AWS has not listed lately. It returns an error if
// pools are left out for that.
func outdatedKinds(w io.Writer, kinds []apiv1.OutdatedKind) error {
	for _, k := range kinds {
		if k.Shown {
			fmt.Fprintf(w, "lsapi: warning: %s are listed as of %s: %s\n", nounsOf(k), clock(k.AsOf), causeOfOutdated(k))
		}
	}
	return missingKinds(kinds)
}

// missingKinds returns an error if pools of outdated kinds are left out.
func missingKinds(kinds []apiv1.OutdatedKind) error {
	var missing []error
	for _, k := range kinds {
		if !k.Shown {
			missing = append(missing, fmt.Errorf("%s are left out: %s", nounsOf(k), causeOfOutdated(k)))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return statusError{errors.Join(missing...), ExitTimeout}
}

// nounsOf returns the plural of a kind, which the service may have and this version not.
func nounsOf(k apiv1.OutdatedKind) string {
	if replacer, ok := words[lsapi.Kind(k.Kind)]; ok && k.Kind != "" {
		return replacer.Replace("{pools}")
	}
	return "pools of the kind " + sanitize.Escape(k.Kind)
}

func causeOfOutdated(k apiv1.OutdatedKind) string {
	switch k.Reason {
	case string(lsapi.CodeDenied):
		return "AWS denies the service their listing (its setting --kinds can leave them out)"
	case "":
		return "AWS does not answer the service"
	}
	return "AWS fails to list them (" + sanitize.Escape(k.Reason) + ")"
}
