package e2e

import "strings"

// exampleText is a script of JSON clients; each text is one step of client A,
// behind the usual packet that joins "/".
func exampleText(packets ...string) script {
	s := script{steps: []step{{about: "connect", messages: []message{{false, "40"}}}}}
	for _, p := range packets {
		s.steps = append(s.steps, step{about: "example", messages: []message{{false, p}}})
	}
	return s
}

// exampleBinary is a packet with attachments.
func exampleBinary(packet string, parts ...string) script {
	s := exampleText(packet)
	for _, p := range parts {
		s.steps[1].messages = append(s.steps[1].messages, message{true, p})
	}
	return s
}

// examplePacked is a packet of a msgpack client that has joined "/".
func examplePacked(members ...member) script {
	return script{msgpack: true, steps: []step{
		{about: "connect", messages: render(true, packer{}, 0, "/", -1, nil)},
		{about: "example", messages: []message{{true, string(packer{}.append(nil, object(members)))}}},
	}}
}

func eventPacked(args ...any) script {
	return examplePacked(member{"type", 2}, member{"nsp", "/"}, member{"data", args})
}

func firstMessage(msgpack bool, m message) script {
	return script{cold: true, msgpack: msgpack, steps: []step{{about: "first message", messages: []message{m}}}}
}

func kicked(then string) script {
	s := script{steps: []step{
		{about: "connect", messages: []message{{false, `40/chat,{"token":"open"}`}}},
		{about: "kick", messages: []message{{false, `42/chat,["kick"]`}}},
		{about: "in flight", messages: []message{{false, then}}},
	}}
	return s
}

// examples are scripts that show each intended difference.
func examples() map[string][]script {
	const hold = `{"_placeholder":true,"num":0}`
	list := func(n int) string { return strings.Repeat("0,", n-1) + "0" }
	return map[string][]script{
		"payload-missing":       {exampleText("42"), exampleText("42/,7"), exampleText("431")},
		"id-misplaced":          {exampleText("40/custom,1"), exampleText("411"), firstMessage(false, message{false, "401"})},
		"ack-without-id":        {exampleText(`43["x"]`)},
		"ack-id-form":           {exampleText(`42007["message"]`), exampleText(`422147483649["message"]`)},
		"event-name":            {exampleText(`42[""]`), exampleText(`42["` + strings.Repeat("n", nameMost+1) + `"]`), exampleText(`42[1e999]`), eventPacked("")},
		"event-not-an-event":    {eventPacked(), eventPacked("disconnect", "spoofed"), eventPacked(object{}), eventPacked(nil)},
		"namespace-form":        {exampleText("40/" + strings.Repeat("n", namespaceMost) + ","), examplePacked(member{"type", 0}, member{"nsp", ""})},
		"payload-too-big":       {exampleText(`42["message",` + strings.Repeat("[", depthMost) + strings.Repeat("]", depthMost) + `]`), exampleText(`42["message",[` + list(itemsMost) + `]]`)},
		"attachments-form":      {exampleBinary(`4501-["message",`+hold+`]`, "x"), exampleBinary(`451.0-["message",`+hold+`]`, "x")},
		"attachments-each-once": {exampleBinary(`451-["message"]`, "x"), exampleBinary(`451-["message",`+hold+`,`+hold+`]`, "x")},
		"packet-type-form":      {firstMessage(false, message{false, "4 "})},
		"msgpack-integer-form":  {examplePacked(member{"type", 2.0}, member{"nsp", "/"}, member{"data", []any{"message"}})},
		"msgpack-extension":     {eventPacked("message", raw("\xd6\xff\x00\x00\x00\x01")), eventPacked("message", raw("\xc7\x01\x05x"))},
		"msgpack-utf8":          {eventPacked("message", raw("\xa1\xff"))},
		"msgpack-key":           {eventPacked("message", raw("\x81\x01\x02"))},
		"msgpack-key-twice":     {examplePacked(member{"type", 2}, member{"type", 2}, member{"nsp", "/"}, member{"data", []any{"message"}})},
		"engine-close":          {exampleText("1")},
		"parser-by-first-message": {
			firstMessage(true, message{false, "40"}),
			firstMessage(false, render(true, packer{}, 0, "/", -1, nil)[0]),
		},
		"nil-is-absent":              {examplePacked(member{"type", 0}, member{"nsp", "/custom"}, member{"data", nil})},
		"in-flight-after-disconnect": {kicked(`42/chat,["rooms"]`), kicked("41/chat,")},
		"lone-surrogate":             {exampleText(`42["message","\ud83c","a\udfaeb"]`), exampleText(`40/custom,{"token":"\ud83c"}`)},
		"reference-large-numbers":    {eventPacked("message", 1e21)},
		"reference-proto-key":        {eventPacked("message", object{{"__proto__", 1}})},
		"blank-is-no-ack-id":         {exampleText(`42 ["message-with-ack"]`)},
		"number-not-finite":          {exampleText(`42["message",1e999]`), exampleText(`420["message-with-ack",1e999]`)},
	}
}
