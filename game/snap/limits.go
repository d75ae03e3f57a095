package snap

// Bounds of this package. Schemas beyond them are refused, by games at Register
// and by clients when they are received.
const (
	// SetsMax is the largest number of sets.
	SetsMax = 64
	// FieldsMax is the largest number of replicated fields of a set.
	FieldsMax = 64
	// QuantumMax is the largest quantum, and QuantumMin the smallest.
	QuantumMax = 1e6
	QuantumMin = 1e-6
)
