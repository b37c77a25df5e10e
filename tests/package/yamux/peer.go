// SPDX-License-Identifier: MIT
//
// The other end of kvs's and kvc's yamux, in Go with hashicorp's own library (Debian: golang-github-hashicorp-yamux-dev).
//
//	peer client ADDRESS CASE    a client of kvs, whose codec is raw; prints "ok"
//	peer server KVS [away]      a server that carries each stream to KVS over tcp; prints its address. away: each session takes
//	                            one stream, and the server says GO_AWAY then
//	peer crowd                  a server of one session, see crowd.go; prints its address
//	peer vectors                what the library writes as a client and as a server, a line of hex each
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

const deadline = 100 * time.Second

func fail(format string, words ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", words...)
	os.Exit(1)
}

func must(err error, doing string) {
	if err != nil {
		fail("%s: %v", doing, err)
	}
}

// A length of protobuf, and a field with it.
func field(tag byte, data []byte) []byte {
	var size [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(size[:], uint64(len(data)))
	return append(append([]byte{tag}, size[:n]...), data...)
}

func frame(payload []byte) []byte {
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(payload)))
	return append(size[:], payload...)
}

// proto/abi.proto: CommandRequest.hset and .hget; a Value's field 2 is binary.
func hset(key string, value []byte) []byte {
	pair := append(field(0x0a, []byte(key)), field(0x12, field(0x12, value))...)
	return frame(field(0x22, append(field(0x0a, []byte("t")), field(0x12, pair)...)))
}

func hget(key string) []byte {
	return frame(field(0x0a, append(field(0x0a, []byte("t")), field(0x12, []byte(key))...)))
}

// A reply, without its length.
func receive(from io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(from, reply)
	return reply, err
}

// The reply to an hget: status 200 and one value.
func wanted(value []byte) []byte {
	return append([]byte{0x08, 0xc8, 0x01}, field(0x1a, field(0x12, value))...)
}

func expect(from io.Reader, reply []byte, doing string) {
	got, err := receive(from)
	must(err, doing)
	if !bytes.Equal(got, reply) {
		fail("%s: %d bytes, want %d", doing, len(got), len(reply))
	}
}

func write(to io.Writer, data []byte) {
	_, err := to.Write(data)
	must(err, "write")
}

func open(session *yamux.Session) *yamux.Stream {
	stream, err := session.OpenStream()
	must(err, "open a stream")
	must(stream.SetDeadline(time.Now().Add(deadline)), "set a deadline")
	return stream
}

func config() *yamux.Config {
	c := yamux.DefaultConfig()
	c.LogOutput = io.Discard
	c.ConnectionWriteTimeout = deadline
	return c
}

func connect(address string) *yamux.Session {
	return begin(address, config())
}

func begin(address string, config *yamux.Config) *yamux.Session {
	conn, err := net.Dial("tcp", address)
	must(err, "connect")
	session, err := yamux.Client(conn, config)
	must(err, "begin a session")
	return session
}

// The reply to an hset has status 200, and the value that there was.
func expectSet(from io.Reader, doing string) {
	got, err := receive(from)
	must(err, doing)
	if !bytes.HasPrefix(got, []byte{0x08, 0xc8, 0x01}) {
		fail("%s: %x", doing, got)
	}
}

func talk(stream io.ReadWriter, key string, times int) {
	for i := 0; i < times; i++ {
		value := []byte(fmt.Sprintf("%s-%d", key, i))
		write(stream, append(hset(key, value), hget(key)...))
		expectSet(stream, "hset "+key)
		expect(stream, wanted(value), "hget "+key)
	}
}

func streams(session *yamux.Session) {
	var group sync.WaitGroup
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func(name string) {
			defer group.Done()
			stream := open(session)
			talk(stream, name, 20)
			must(stream.Close(), "close "+name)
		}(fmt.Sprintf("stream-%d", i))
	}
	group.Wait()
	waitForEnds(session)
}

// Waits until kvs has ended its side of each stream. The library's Read does not wait for that once our side is closed. A
// session that is closed while such a frame is unread ends in a reset, and takes along what kvs has not read yet.
func waitForEnds(session *yamux.Session) {
	for session.NumStreams() > 0 {
		runtime.Gosched()
	}
}

// What was asked before the end of our side is answered, and then kvs ends its side. The library reads nothing behind
// its own Close, so that these frames are made by hand: SYN, data, FIN.
func halfClose(address string) {
	conn, err := net.Dial("tcp", address)
	must(err, "connect")
	header := func(kind, flags byte, length int) []byte {
		h := []byte{0, kind, 0, flags, 0, 0, 0, 7, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(h[8:], uint32(length))
		return h
	}
	request := append(hset("half", []byte("closed")), hget("half")...)
	write(conn, append(append(append(header(1, 1, 0), header(0, 0, len(request))...), request...), header(1, 4, 0)...))
	var got []byte
	for end := false; !end; {
		h := make([]byte, 12)
		_, err := io.ReadFull(conn, h)
		must(err, "read a header")
		if h[1] == 0 {
			data := make([]byte, binary.BigEndian.Uint32(h[8:]))
			_, err := io.ReadFull(conn, data)
			must(err, "read data")
			got = append(got, data...)
		}
		end = h[3]&4 != 0
	}
	replies := bytes.NewReader(got)
	expectSet(replies, "hset")
	expect(replies, wanted([]byte("closed")), "hget")
	if replies.Len() > 0 {
		fail("%d bytes behind the replies", replies.Len())
	}
	conn.Close()
}

// A stream whose owner reads nothing does not hold up another one, and misses nothing afterwards.
func slow(session *yamux.Session) {
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	lazy, quick := open(session), open(session)
	write(lazy, hset("large", value))
	expectSet(lazy, "hset")
	for i := 0; i < 20; i++ {
		write(lazy, hget("large"))
	}
	talk(quick, "quick", 500)
	for i := 0; i < 20; i++ {
		expect(lazy, wanted(value), "hget")
	}
}

func large(session *yamux.Session) {
	value := make([]byte, 10<<20)
	for i := range value {
		value[i] = byte(i * 7 >> 3)
	}
	var group sync.WaitGroup
	for i := 0; i < 3; i++ {
		group.Add(1)
		go func(key string) {
			defer group.Done()
			stream := open(session)
			write(stream, append(hset(key, value), hget(key)...))
			expectSet(stream, "hset "+key)
			expect(stream, wanted(value), "hget "+key)
		}(fmt.Sprintf("large-%d", i))
	}
	group.Wait()
}

func pings(session *yamux.Session) {
	for i := 0; i < 100; i++ {
		_, err := session.Ping()
		must(err, "ping")
	}
}

// kvs takes 256 streams at a time; more are reset, and those that there are go on.
func limit(session *yamux.Session) {
	var all []*yamux.Stream
	for i := 0; i < 256; i++ {
		all = append(all, open(session))
		talk(all[i], "limit", 1)
	}
	late := open(session)
	if _, err := late.Read(make([]byte, 1)); err != yamux.ErrConnectionReset {
		fail("one stream too many: %v", err)
	}
	talk(all[255], "limit", 1)
	must(all[0].Close(), "close")
	pings(session) // behind the first one, kvs has seen the end and closed its side
	talk(open(session), "limit", 1)
}

// Bytes of another protocol end their stream and no other.
func foreign(session *yamux.Session) {
	other, stream := open(session), open(session)
	write(stream, []byte("GET / HTTP/1.1\r\n\r\n"))
	if _, err := io.Copy(io.Discard, stream); err != nil && err != yamux.ErrConnectionReset {
		fail("no end: %v", err)
	}
	talk(other, "other", 10)
}

// kvs is told to drain while a stream is open: it takes no more, answers, and ends.
func drain(session *yamux.Session) {
	stream := open(session)
	talk(stream, "drain", 1)
	fmt.Println("ready")
	select {
	case <-session.CloseChan():
	case <-time.After(deadline):
		fail("the session does not end")
	}
	if _, err := session.OpenStream(); err == nil {
		fail("a stream opens after the end")
	}
}

// A stream that sends requests and reads no reply is held up by its window, before it has sent them all, and others go on. When
// it reads, every reply comes.
func window(session *yamux.Session) {
	const requests = 100000
	lazy, quick := open(session), open(session)
	write(lazy, hset("small", bytes.Repeat([]byte("v"), 64)))
	expectSet(lazy, "hset")
	done := make(chan bool, 1)
	go func() {
		for i := 0; i < requests; i += 100 {
			write(lazy, bytes.Repeat(hget("small"), 100))
		}
		done <- true
	}()
	talk(quick, "quick", 500)
	pings(session)
	select {
	case <-done:
		fail("2 MB of requests have passed a window of 256 KiB, and no reply was read")
	default:
	}
	replies := bufio.NewReaderSize(lazy, 1<<16)
	value := wanted(bytes.Repeat([]byte("v"), 64))
	for i := 0; i < requests; i++ {
		expect(replies, value, "hget")
	}
	<-done
}

// Frames made by hand, since the library resets no stream by itself.
type wire struct {
	net.Conn
}

func dialWire(address string) wire {
	conn, err := net.Dial("tcp", address)
	must(err, "connect")
	must(conn.SetDeadline(time.Now().Add(deadline)), "set a deadline")
	return wire{conn}
}

func (w wire) send(kind, flags byte, stream, length int, data []byte) {
	h := []byte{0, kind, 0, flags, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(h[4:], uint32(stream))
	binary.BigEndian.PutUint32(h[8:], uint32(length))
	write(w, append(h, data...))
}

// The next frame: type, flags, stream, and the bytes of DATA.
func (w wire) next() (kind, flags byte, stream int, data []byte) {
	h := make([]byte, 12)
	_, err := io.ReadFull(w, h)
	must(err, "read a header")
	if h[1] == 0 {
		data = make([]byte, binary.BigEndian.Uint32(h[8:]))
		_, err = io.ReadFull(w, data)
		must(err, "read data")
	}
	return h[1], h[3], int(binary.BigEndian.Uint32(h[4:])), data
}

// kvs asks for a sign of life when it has heard nothing for a second, and goes on when it has one.
func asked(address string) {
	w := dialWire(address)
	w.send(1, 1, 1, 0, nil)
	for pings := 0; pings < 2; {
		kind, flags, _, _ := w.next()
		if kind == 2 && flags == 1 {
			w.send(2, 2, 0, 0, nil)
			pings++
		}
	}
	w.send(0, 0, 1, len(hget("k")), hget("k"))
	for {
		if kind, _, stream, _ := w.next(); kind == 0 && stream == 1 {
			break
		}
	}
	w.Close()
}

// kvs gives up a session that does not answer a ping.
func silent(address string) {
	w := dialWire(address)
	w.send(1, 1, 1, 0, nil)
	_, err := io.Copy(io.Discard, w)
	must(err, "wait for the end")
}

// The library's own pings, every 20 milliseconds, beside requests.
func keepalive(address string) {
	c := config()
	c.KeepAliveInterval = 20 * time.Millisecond
	session := begin(address, c)
	for i := 0; i < 10; i++ {
		talk(open(session), "keepalive", 50)
	}
	pings(session)
	session.Close()
}

// A stream that its peer resets is gone, with what it was asked, and the session goes on.
func reset(address string) {
	w := dialWire(address)
	request := append(hset("reset", []byte("v")), hget("reset")...)
	for stream := 1; stream < 200; stream += 2 {
		w.send(1, 1, stream, 0, nil)
		w.send(0, 0, stream, len(request), request)
		w.send(1, 8, stream, 0, nil)
	}
	w.send(2, 1, 0, 7, nil)
	for {
		if kind, flags, _, _ := w.next(); kind == 2 && flags == 2 {
			break
		}
	}
	w.send(1, 1, 201, 0, nil)
	w.send(0, 0, 201, len(request), request)
	var got []byte
	for len(got) < 4 {
		kind, flags, stream, data := w.next()
		if stream == 201 && flags&8 != 0 {
			fail("the stream behind those that were reset was reset")
		}
		if kind == 0 && stream == 201 {
			got = append(got, data...)
		}
	}
	w.Close()
}

// A client that takes no streams may open some: GO_AWAY is about the other direction.
func away(session *yamux.Session) {
	stream := open(session)
	talk(stream, "away", 1)
	must(session.GoAway(), "go away")
	talk(stream, "away", 10)
	talk(open(session), "away", 1)
}

func client(address, name string) {
	byHand := map[string]func(string){"half-close": halfClose, "asked": asked, "silent": silent,
		"keepalive": keepalive, "reset": reset, "crowd": crowd}
	cases := map[string]func(*yamux.Session){"streams": streams, "slow": slow, "large": large,
		"pings": pings, "limit": limit, "foreign": foreign, "drain": drain, "window": window, "away": away}
	if run := byHand[name]; run != nil {
		run(address)
		fmt.Println("ok")
		return
	}
	run := cases[name]
	if run == nil {
		fail("no case %s", name)
	}
	session := connect(address)
	run(session)
	session.Close()
	fmt.Println("ok")
}

// Carries bytes both ways, and each end as well.
func carry(stream net.Conn, kvs string) {
	conn, err := net.Dial("tcp", kvs)
	must(err, "connect to kvs")
	go func() {
		io.Copy(conn, stream)
		conn.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(stream, conn)
	stream.Close()
}

func server(kvs string, away bool) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err, "listen")
	fmt.Println(listener.Addr())
	go func() { // ends with whoever started it
		io.Copy(io.Discard, bufio.NewReader(os.Stdin))
		os.Exit(0)
	}()
	for {
		conn, err := listener.Accept()
		must(err, "accept")
		session, err := yamux.Server(conn, config())
		must(err, "begin a session")
		go func() {
			for {
				stream, err := session.Accept()
				if err != nil {
					return
				}
				if away {
					must(session.GoAway(), "go away")
				}
				go carry(stream, kvs)
			}
		}()
	}
}

// A connection that remembers what is written to it.
type shown struct {
	net.Conn
	written *bytes.Buffer
}

func (s shown) Write(data []byte) (int, error) {
	s.written.Write(data)
	return s.Conn.Write(data)
}

// A stream's life as each side writes it: SYN and ACK, data both ways, a ping, FIN of both, GO_AWAY of the client.
// tests/vectors/yamux.jsonl has it.
func vectors() {
	ours, theirs := net.Pipe()
	var fromClient, fromServer bytes.Buffer
	quiet := config()
	quiet.EnableKeepAlive = false
	client, err := yamux.Client(shown{ours, &fromClient}, quiet)
	must(err, "begin a session")
	server, err := yamux.Server(shown{theirs, &fromServer}, quiet)
	must(err, "begin a session")
	stream := open(client)
	peer, err := server.AcceptStream()
	must(err, "accept")
	write(stream, []byte("hello"))
	_, err = io.ReadFull(peer, make([]byte, 5))
	must(err, "read")
	write(peer, []byte("world"))
	_, err = io.ReadFull(stream, make([]byte, 5))
	must(err, "read")
	_, err = client.Ping()
	must(err, "ping")
	must(stream.Close(), "close")
	must(peer.Close(), "close")
	must(client.GoAway(), "go away")
	fmt.Println(hex.EncodeToString(fromClient.Bytes()))
	fmt.Println(hex.EncodeToString(fromServer.Bytes()))
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "client":
		client(os.Args[2], os.Args[3])
	case len(os.Args) == 3 && os.Args[1] == "server":
		server(os.Args[2], false)
	case len(os.Args) == 4 && os.Args[1] == "server" && os.Args[3] == "away":
		server(os.Args[2], true)
	case len(os.Args) == 2 && os.Args[1] == "crowd":
		crowdServer()
	case len(os.Args) == 2 && os.Args[1] == "vectors":
		vectors()
	default:
		fail("usage: peer client ADDRESS CASE | peer server KVS [away] | peer vectors")
	}
}
