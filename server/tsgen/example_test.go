package tsgen_test

import (
	"os"
	"strings"

	"gameserver/server/tsgen"
	"gameserver/sio"
)

type line struct {
	Text string `json:"text" check:"required,1..500"`
	Mood string `json:"mood" check:"enum=calm|loud"`
}

type posted struct {
	OK bool `json:"ok"`
	ID int  `json:"id"`
}

// A chat server of your own says what it speaks.
func ExampleGenerate() {
	chat := sio.New(sio.Config{}).Of("/chat")
	chat.Accepts("post", line{}, posted{})
	chat.Emits("line", line{}, nil)

	text := tsgen.Generate(tsgen.Config{Command: "chat types", Namespaces: []tsgen.Namespace{{Sockets: chat}}})
	_, events, _ := strings.Cut(string(text), "/** /chat */\n")
	_, _ = os.Stdout.WriteString(events)
	// Output:
	// export namespace Chat {
	//   interface ServerToClientEvents {
	//     line: (arg: Line) => void;
	//   }
	//
	//   interface ClientToServerEvents {
	//     post: (arg: LineIn, ack: (reply: Ack<Posted>) => void) => void;
	//   }
	// }
}
