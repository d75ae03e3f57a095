// Package mpcheck decides whether bytes from outside are one well-formed and
// bounded msgpack value, before any decoder is allowed to look at them.
//
// The common decoders allocate what a header declares and recurse as deep as
// the sender likes, so five bytes can end a process. [Check] reads the bytes
// once, without recursion and without allocation, and accepts only
//
//   - exactly one value, with nothing after it;
//   - at most Limits.Depth containers inside one another and at most
//     Limits.Items values in all, map keys included;
//   - lengths that the remaining bytes cover: one byte for every element of an
//     array, two for every pair of a map;
//   - strings and map keys in valid UTF-8, and map keys that are strings;
//   - extensions only of the three shapes the JavaScript encoder notepack
//     produces, and each only when [Limits] asks for it.
//
// What passes may be walked with [Skip] and decoded by recursion: the depth,
// the number of values and the memory are bounded by the limits and by len(b).
// Check never panics and never keeps a reference to b. Both functions are pure
// and safe from any goroutine.
//
// The package does not judge meaning: NaN, duplicate keys and integer ranges
// are the business of whoever decodes.
package mpcheck
