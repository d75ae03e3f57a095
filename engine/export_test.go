package engine

// Posting reports whether a POST of c is under way.
func Posting(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll.posting
}
