package notify

// CheckAddress is checkAddress.
var CheckAddress = checkAddress
