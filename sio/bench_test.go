package sio

import "testing"

func BenchmarkDecode(b *testing.B) {
	for _, p := range []Parser{ParserJSON, ParserMsgpack} {
		b.Run(p.String(), func(b *testing.B) {
			d, in := NewDecoder(p, Limits{}), inputPacket(b, p)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(in, p == ParserMsgpack); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A whole event with a raw handler, from the engine's call on.
func BenchmarkReceiveRaw(b *testing.B) {
	for _, p := range []Parser{ParserJSON, ParserMsgpack} {
		b.Run(p.String(), func(b *testing.B) {
			c, _ := settled(b, New(Config{}), p, func(s *Socket) { s.OnRaw("input", func(*Event) {}) })
			in := inputPacket(b, p)
			b.ReportAllocs()
			for b.Loop() {
				c.OnMessage(in, p == ParserMsgpack)
			}
		})
	}
}

func BenchmarkDecodeTyped(b *testing.B) {
	for _, p := range []Parser{ParserJSON, ParserMsgpack} {
		b.Run(p.String(), func(b *testing.B) {
			e, err := NewDecoder(p, Limits{}).Decode(inputPacket(b, p), p == ParserMsgpack)
			if err != nil {
				b.Fatal(err)
			}
			a := e.Args(nil)
			b.ReportAllocs()
			for b.Loop() {
				var in input
				if err := a.Decode(0, &in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	v := map[string]any{"text": "hello <world>", "n": 12345, "list": []float64{1, 2.5, 3}}
	for _, p := range []Parser{ParserJSON, ParserMsgpack} {
		b.Run(p.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Encode(p, Header{Type: PacketEvent, Namespace: "/chat"}, "msg", v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendHead(b *testing.B) {
	for _, p := range []Parser{ParserJSON, ParserMsgpack} {
		b.Run(p.String(), func(b *testing.B) {
			_, s := settled(b, New(Config{}), p, func(*Socket) {})
			buf := make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				buf = s.AppendTail(s.AppendHead(buf[:0], "snapshot"))
			}
		})
	}
}

// One event to a thousand sockets, half of each parser; the links write nothing.
func BenchmarkBroadcast1000(b *testing.B) {
	s := New(Config{})
	for i := range 1000 {
		settled(b, s, []Parser{ParserJSON, ParserMsgpack}[i%2], func(s *Socket) { _ = s.Join("room") })
	}
	room := s.Of("/match").To("room")
	b.ReportAllocs()
	for b.Loop() {
		if err := room.Emit("e", 1, "two"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTranscodeJSON(b *testing.B) {
	in := []byte(`{"s":90000,"k":89990,"v":{"up":true,"left":false,"right":true,"down":false,"fire":true,"aim":-1.25}}`)
	buf := make([]byte, 0, 256)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = TranscodeJSON(buf[:0], in); err != nil {
			b.Fatal(err)
		}
	}
}
