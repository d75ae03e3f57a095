package e2e

// explain names the rule that intends a difference.
func explain(d *divergence) string {
	return ""
}
