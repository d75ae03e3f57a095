package server

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// readBlob returns the bytes of a binary argument in any form that stock encoders
// give it: bin, the extension of type 0 that notepack writes for an ArrayBuffer,
// and the map of its indexes that it writes for a Uint8Array in browsers. The
// last is put together in scratch, which is returned as well.
func readBlob(arg, scratch []byte) (blob, _ []byte, err error) {
	switch msgp.NextType(arg) {
	case msgp.BinType:
		blob, rest, err := msgp.ReadBytesZC(arg)
		if err != nil || len(rest) != 0 {
			return nil, scratch, errInput
		}
		return blob, scratch, nil
	case msgp.MapType:
		scratch, err = readIndexes(scratch[:0], arg)
		return scratch, scratch, err
	default:
		blob, err = readExt0(arg)
		return blob, scratch, err
	}
}

// readExt0 reads an extension of type 0 with an explicit length.
func readExt0(arg []byte) ([]byte, error) {
	if len(arg) == 0 || arg[0] < 0xc7 || arg[0] > 0xc9 {
		return nil, errInput
	}
	width := 1 << (arg[0] - 0xc7)
	if len(arg) < 2+width {
		return nil, errInput
	}
	n := 0
	for _, c := range arg[1 : 1+width] {
		n = n<<8 | int(c)
	}
	if blob := arg[2+width:]; arg[1+width] == 0 && len(blob) == n {
		return blob, nil
	}
	return nil, errInput
}

// readIndexes reads {"0": byte, "1": byte, …}, in order.
func readIndexes(dst, arg []byte) ([]byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(arg)
	if err != nil || n > MaxIndexes {
		return dst, errInput
	}
	var name [10]byte
	for i := range n {
		var key []byte
		var v uint8
		if key, b, err = msgp.ReadStringZC(b); err != nil || string(key) != string(strconv.AppendUint(name[:0], uint64(i), 10)) {
			return dst, errInput
		}
		if v, b, err = msgp.ReadUint8Bytes(b); err != nil {
			return dst, errInput
		}
		dst = append(dst, v)
	}
	if len(b) != 0 {
		return dst, errInput
	}
	return dst, nil
}
