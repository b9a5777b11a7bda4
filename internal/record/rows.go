package record

// convert turns the rows of a query into those that every engine has.
func Convert[From, To any](rows []From, err error, one func(From) (To, error)) ([]To, error) {
	if err != nil {
		return nil, err
	}
	converted := make([]To, len(rows))
	for i, row := range rows {
		if converted[i], err = one(row); err != nil {
			return nil, err
		}
	}
	return converted, nil
}

// first returns the first row, the zero value for none.
func First[T any](rows []T, err error) (T, error) {
	if err != nil || len(rows) == 0 {
		return *new(T), err
	}
	return rows[0], nil
}
