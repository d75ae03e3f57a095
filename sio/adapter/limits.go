package adapter

// Fixed maxima.
const (
	maxQuestions = 4096 // being answered for other servers at once, in one namespace; more are dropped
	maxPending   = 4096 // asked by this server at once, in one namespace; more are ErrBusy
	uidBytes     = 8    // 16 hexadecimal digits
)
