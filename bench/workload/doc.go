// Package workload has the games that benchmarks are played in: W1, a room of
// ten; W2, one arena of up to a thousand; W3, ten thousand entities of which most
// stand still. bench/workloads.md says what they are, so that the same scene can
// be put on any server.
//
// A Scene is the movement alone: no sockets, no clock, the same entities at the
// same places in every run of the same Spec. The game around it hears its
// players' inputs as any game does but moves nobody by them, so that every server
// and every repetition shows its players the same scene, to the byte.
package workload
