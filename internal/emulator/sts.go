package emulator

func stsOperations() map[string]operation {
	return map[string]operation{
		"GetCallerIdentity": {(*world).getCallerIdentity, always(unlimited)},
	}
}

type getCallerIdentityResult struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// getCallerIdentity needs no permission in AWS. Signatures are not verified, so
// everyone is the same user.
func (w *world) getCallerIdentity(call) (any, error) {
	return &getCallerIdentityResult{userARN, userID, AccountID}, nil
}
