package adapter

import "gameserver/sio"

// Type is what a [Message] asks or answers, by its number in Node clusters.
type Type uint8

// The types, first those of Node.
const (
	InitialHeartbeat Type = iota + 1
	Heartbeat
	Broadcast
	SocketsJoin
	SocketsLeave
	DisconnectSockets
	FetchSockets
	FetchSocketsResponse
	ServerSideEmit
	ServerSideEmitResponse
	BroadcastClientCount
	BroadcastAck
	AdapterClose

	// BroadcastGone is ours alone and follows all answers of a server: so many of
	// its clients went without one. Node servers ignore it.
	BroadcastGone Type = 64
)

// Message is what servers say to each other about one namespace. Which fields
// mean something depends on the type; a codec must carry them all.
type Message struct {
	UID       string // of the sender
	Namespace string
	Type      Type
	RequestID string // of a question that is answered, and of its answers; else ""

	Targets sio.Targets        // Broadcast, SocketsJoin, SocketsLeave, DisconnectSockets, FetchSockets
	Payload []byte             // Broadcast, ServerSideEmit: msgpack [event, …args]; BroadcastAck, ServerSideEmitResponse: one msgpack value
	Rooms   []string           // SocketsJoin, SocketsLeave
	Close   bool               // DisconnectSockets
	Sockets []sio.RemoteSocket // FetchSocketsResponse
	Clients int                // BroadcastClientCount, BroadcastGone
}

// Bus carries messages between the servers of a cluster, in order from each
// sender. Messages must not be changed and are not after the call.
type Bus interface {
	// Publish sends a message to all other servers that have the namespace.
	Publish(m Message) error
	// Respond sends a message to the server with that uid.
	Respond(uid string, m Message) error
	// Servers counts the servers that have the namespace, this one included.
	Servers(namespace string) (int, error)
	// Close ends one subscription to a namespace. A namespace that ended and came
	// again may have subscribed anew by then.
	Close(namespace string) error
}
