package client

import "time"

// Hasten makes a client go through in moments what takes it minutes.
func (c *Client) Hasten(outage, silence time.Duration) {
	c.round, c.pause, c.outage, c.settling, c.silence = 100*time.Millisecond, time.Millisecond, outage, outage, silence
}
