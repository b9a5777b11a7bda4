// Package sts emulates GetCallerIdentity.
package sts

import (
	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// Version is the version of the API.
const Version = "2011-06-15"

// API returns the operations of the service.
func API() *wire.API {
	return &wire.API{
		Name: "sts", Version: Version, Dialect: wire.QueryDialect,
		Namespace:  "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: map[string]wire.Operation{"GetCallerIdentity": {Perform: getCallerIdentity, Bucket: wire.Bucket{}.Always}},
	}
}

type getCallerIdentityResult struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// getCallerIdentity returns the same user for every signature.
func getCallerIdentity(wire.Call) (any, error) {
	return &getCallerIdentityResult{account.UserARN, account.UserID, account.ID}, nil
}
