package membership

import "lsapi"

// results returns what became of each request. Those without a result may still be made
// and recorded: then pending is true.
func (c *caller) results() (results []lsapi.MemberResult, recorded, pending bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	results = make([]lsapi.MemberResult, len(c.requests))
	for i, r := range c.requests {
		results[i] = r.memberResult()
		recorded = recorded || results[i].ChangeID != ""
		pending = pending || r.result == nil
	}
	return results, recorded, pending
}

// memberResult returns what became of the request. The caller holds its caller's mu.
func (r *request) memberResult() lsapi.MemberResult {
	m := lsapi.MemberResult{Action: r.action, Member: r.member}
	if r.result == nil {
		m.Outcome, m.Err = lsapi.OutcomeUnknown, errPending(r)
	} else {
		m.Outcome, m.Instance, m.Guard, m.Err = r.result.outcome, r.result.instance, r.result.guard, r.result.err
	}
	if r.intended || r.result != nil && r.result.recorded {
		m.ChangeID = r.changeID
	}
	return m
}

// resultOfOne returns the result of a caller with one request, whose error includes a
// conflict.
func (c *caller) resultOfOne() (lsapi.Result, error) {
	results, recorded, pending := c.results()
	one := results[0]
	result := lsapi.Result{Member: one.Member, Instance: one.Instance, Guard: one.Guard, Recorded: recorded, Pending: pending}
	if one.Err == nil {
		return result, nil
	}
	return result, one.Err
}

// resultOfBulk returns the result of a bulk, in which a conflict is no error.
func (c *caller) resultOfBulk() lsapi.BulkResult {
	results, recorded, pending := c.results()
	for i := range results {
		if results[i].Outcome == lsapi.OutcomeConflict {
			results[i].Err = nil
		}
	}
	return lsapi.BulkResult{Results: results, Recorded: recorded, Pending: pending}
}
