package snap

// Bounds of this package. Schemas beyond them are refused, by games at Register
// and by clients when they are received.
const (
	// SetsMax is the largest number of sets.
	SetsMax = 64
	// FieldsMax is the largest number of replicated fields of a set, and of own
	// fields: a mask of them and a bit fit into 32 bits.
	FieldsMax = 31
	// EntitiesMax is the largest number of entities that a client holds. One
	// more makes the snapshot an error.
	EntitiesMax = 1 << 16
	// IDMax is the largest id of an entity: with a bit beside it, an id fits into
	// 32 bits.
	IDMax = 1<<31 - 1
	// OwnersMax is the largest id of a player. Entities of higher ids have no
	// own fields.
	OwnersMax = 1024
	// EventsMax is the largest number of events in one snapshot.
	EventsMax = 8192
	// QuantumMax is the largest quantum, and QuantumMin the smallest.
	QuantumMax = 1e6
	QuantumMin = 1e-6

	// ringLen is how many snapshots of the match the values are kept for, the
	// current one included: the largest cadence, and one. It is a power of two.
	ringLen = 8
	// deathsMax is how many entities that are no more a World remembers, and
	// lossesMax how many removals a View does, for those who come back. With
	// more, whoever comes back is sent a full snapshot.
	deathsMax = 1024
	lossesMax = 256
	// checkEvery is how many snapshots apart checksums are.
	checkEvery = 16
	// gapMax is the longest time between two snapshots that build on each other,
	// in ticks. A later one is full.
	gapMax = 1<<16 - 1
)
