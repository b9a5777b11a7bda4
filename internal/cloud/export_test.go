package cloud

// The tables of CheckVariables, for tests.
var (
	VariableValues = variableValues
	WholeNumbers   = wholeNumbers
)
