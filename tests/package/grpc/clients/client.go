// SPDX-License-Identifier: MIT
//
// kvs as google.golang.org/grpc sees it. Usage: client ADDRESS [CA-FILE | wait], with a file over TLS. It prints a line for each
// thing that it tried; with "wait" it watches until a line comes on its input, and then makes one call. The messages are written here, so that nothing has to be generated from kv.proto.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
)

// raw hands messages on as the bytes that they are.
type raw struct{}

func (raw) Marshal(message interface{}) ([]byte, error) { return message.([]byte), nil }

func (raw) Unmarshal(data []byte, message interface{}) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (raw) Name() string { return "proto" }

// field returns a field of protobuf with a length.
func field(number byte, content []byte) []byte {
	var size [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(size[:], uint64(len(content)))
	return append(append([]byte{number<<3 | 2}, size[:n]...), content...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// fields calls see for each field of a message; a number has no content.
func fields(message []byte, see func(number int, value uint64, content []byte)) {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		value, m := binary.Uvarint(message[n:])
		message = message[n+m:]
		var content []byte
		if tag&7 == 2 {
			content, message = message[:value], message[value:]
		}
		see(int(tag>>3), value, content)
	}
}

// read returns the status of a CommandResponse, the text of its first value, and how many changes it has.
func read(reply []byte) (code uint64, text string, changes int) {
	fields(reply, func(number int, value uint64, content []byte) {
		switch number {
		case 1:
			code = value
		case 3:
			fields(content, func(_ int, _ uint64, value []byte) { text = string(value) })
		case 9:
			changes++
		}
	})
	return
}

const service, timeout = "/weft.kv.v1.Kv/", 20 * time.Second

var table = field(1, []byte("t"))

type client struct{ *grpc.ClientConn }

func (c client) call(method string, request []byte, options ...grpc.CallOption) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var reply []byte
	if err := c.Invoke(ctx, service+method, request, &reply, options...); err != nil {
		log.Fatal(method, ": ", err)
	}
	return reply
}

func (c client) set(key, value string, options ...grpc.CallOption) {
	pair := join(field(1, []byte(key)), field(2, field(1, []byte(value))))
	c.call("Hset", join(table, field(2, pair)), options...)
}

func (c client) get(key string, options ...grpc.CallOption) (uint64, string) {
	code, text, _ := read(c.call("Hget", join(table, field(2, []byte(key))), options...))
	return code, text
}

func (c client) watch(ctx context.Context) grpc.ClientStream {
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+"Watch")
	if err == nil {
		err = stream.SendMsg(table)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		log.Fatal("Watch: ", err)
	}
	return stream
}

// drain receives until the stream ends, and returns how.
func drain(stream grpc.ClientStream) error {
	for {
		var reply []byte
		if err := stream.RecvMsg(&reply); err != nil {
			return err
		}
	}
}

func (c client) many() bool {
	var group sync.WaitGroup
	texts := make([]string, 1000)
	for i := range texts {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			_, texts[i] = c.get("k")
		}(i)
	}
	group.Wait()
	return strings.Join(texts, "") == strings.Repeat("v", len(texts))
}

func (c client) changes(wanted int) int {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	stream := c.watch(ctx)
	seen := 0
	for first := true; seen < wanted; first = false {
		var reply []byte
		if err := stream.RecvMsg(&reply); err != nil {
			log.Fatal("Watch: ", err)
		}
		_, _, more := read(reply)
		seen += more
		for i := 0; first && i < wanted; i++ {
			c.set(fmt.Sprint("w", i), "v")
		}
	}
	return seen
}

// wait watches without a look at what comes, until it is told to make a call.
func (c client) wait() {
	var first []byte
	if err := c.watch(context.Background()).RecvMsg(&first); err != nil {
		log.Fatal("Watch: ", err)
	}
	fmt.Println("watching")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		log.Fatal(err)
	}
	code, _ := c.get("k")
	fmt.Println("unary", code)
}

func main() {
	security := grpc.WithInsecure()
	waits := len(os.Args) > 2 && os.Args[2] == "wait"
	if len(os.Args) > 2 && !waits {
		authority, err := credentials.NewClientTLSFromFile(os.Args[2], "localhost")
		if err != nil {
			log.Fatal(err)
		}
		security = grpc.WithTransportCredentials(authority)
	}
	conn, err := grpc.Dial(os.Args[1], security, grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		log.Fatal(err)
	}
	c := client{conn}
	if waits {
		c.wait()
		return
	}
	c.set("k", "v")
	code, text := c.get("k")
	fmt.Println("unary", code, text)

	large := strings.Repeat("x", 3000000)
	c.set("large", large)
	_, text = c.get("large")
	fmt.Println("large", text == large)
	c.set("large", large, grpc.UseCompressor("gzip"))
	_, text = c.get("large", grpc.UseCompressor("gzip"))
	fmt.Println("gzip", text == large)

	fmt.Println("many", c.many())
	fmt.Println("watch", c.changes(100))

	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	fmt.Println("deadline", int(status.Code(drain(c.watch(ctx)))))
	cancel()

	ctx, cancel = context.WithCancel(context.Background())
	stream := c.watch(ctx)
	var first []byte
	if err := stream.RecvMsg(&first); err != nil {
		log.Fatal("Watch: ", err)
	}
	cancel()
	fmt.Println("cancel", int(status.Code(drain(stream))))

	err = c.Invoke(context.Background(), "/no.Such/Method", []byte{}, &first)
	fmt.Println("unknown", int(status.Code(err)))
}
