package client

import "time"

// Shorten shortens the limits of a client that would take minutes.
func (c *Client) Shorten(outage, silence time.Duration) {
	c.limits = limits{wait: 100 * time.Millisecond, outage: outage, settling: outage, pause: time.Millisecond, silence: silence}
}
