package interest

// Bounds and proportions.
const (
	// RadiusMin and RadiusMax bound the radius.
	RadiusMin = 1e-3
	RadiusMax = 1e9
	// leaveRatio is how much further than the radius an entity stays in view.
	leaveRatio = 1.2
	// cellsPerRadius and subCells say how fine the grid is, and how many parts of
	// a cell a viewer may cross before it is judged anew.
	cellsPerRadius = 2
	subCells       = 4
	// cellMax is the furthest cell from the middle; what is beyond counts as there.
	cellMax = 1<<15 - 1
	// bucketsMin and bucketsMax bound the hash table of a grid.
	bucketsMin = 64
	bucketsMax = 1 << 14
	// weightOwn is the weight of a viewer's own entity.
	weightOwn = 64
	// freshMax is how many new entities of a set every viewer looks at one by one.
	// With more, those within reach are looked for in the grid.
	freshMax = 64
)

// weights are those of the bands.
var weights = [...]float32{8, 4, 2, 1}
