// Package adapter joins Socket.IO servers into a cluster.
//
// [NewCluster] makes an [sio.Adapter] out of a [Bus], which need do no more than
// carry a [Message] to the other servers of a namespace, or to one of them. The
// messages are those of the cluster adapter of the Node server, by number and
// content, so that a Bus that encodes them as its Redis adapters do talks to
// Node servers too; the classic Redis adapter sends the same things under other
// numbers.
//
// # Who runs what
//
// A Cluster starts a goroutine for each question another server asks, as long
// as it is being answered, and keeps no clock: questions end with the context of
// whoever asked. Bus methods must not block. [Cluster.Receive] may be called
// from any goroutine, but messages of one server in their order, by one at a
// time; it runs the handlers of server-side events.
//
// # Bytes from other servers
//
// A Bus decodes what it receives and bounds its size. Payloads are checked again
// before they are used; a message that makes no sense is dropped and counted by
// the error that Receive returns.
//
// # Failure
//
// A server that does not answer costs the question its completeness, never the
// answers of the others: what came is returned beside the error.
package adapter
