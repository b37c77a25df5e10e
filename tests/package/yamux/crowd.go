// SPDX-License-Identifier: MIT
//
// A thousand streams of one session, of which a third is reset in the middle and one is not read. The library resets no
// stream by itself, so the frames for that are put between its own.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

const crowdSize = 1000

// A connection to whose frames others can be added. The library writes a header, and then the data behind it.
type meddler struct {
	net.Conn
	mutex sync.Mutex
	left  int // bytes of a frame whose header was written; the mutex is held meanwhile
}

func (m *meddler) Write(data []byte) (int, error) {
	if m.left == 0 {
		m.mutex.Lock()
		if data[1] == 0 {
			m.left = len(data) + int(binary.BigEndian.Uint32(data[8:]))
		} else {
			m.left = len(data)
		}
	}
	m.left -= len(data)
	n, err := m.Conn.Write(data)
	if m.left == 0 || err != nil {
		m.left = 0
		m.mutex.Unlock()
	}
	return n, err
}

func (m *meddler) reset(stream *yamux.Stream) {
	h := []byte{0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(h[4:], stream.StreamID())
	m.mutex.Lock()
	_, err := m.Conn.Write(h)
	m.mutex.Unlock()
	must(err, "write a reset")
}

func crowdConfig() *yamux.Config {
	c := config()
	c.AcceptBacklog = crowdSize
	c.KeepAliveInterval = 20 * time.Millisecond
	return c
}

// What is stored for a stream, as no other has it.
func valueOf(i, round int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%d-%d,", i, round)), 1000)
}

// A stream of which no reply is read until the others have had theirs.
func beLazy(stream *yamux.Stream, replies int) {
	write(stream, hset("lazy", valueOf(0, 0)))
	expectSet(stream, "hset lazy")
	for i := 0; i < replies; i++ {
		write(stream, hget("lazy"))
	}
}

// A stream that is reset while its replies come, and one behind it that is not.
func beReset(m *meddler, stream *yamux.Stream, key string, value []byte) {
	write(stream, hset(key, value))
	expectSet(stream, "hset "+key)
	write(stream, bytes.Repeat(hget(key), 10))
	_, err := io.ReadFull(stream, make([]byte, len(value)/2))
	must(err, "read a half")
	m.reset(stream)
}

func beServed(stream *yamux.Stream, i int) {
	key := fmt.Sprintf("crowd-%d", i)
	for round := 0; round < 5; round++ {
		value := valueOf(i, round)
		write(stream, append(hset(key, value), hget(key)...))
		expectSet(stream, "hset "+key)
		expect(stream, wanted(value), "hget "+key)
	}
}

// Says a word, and waits for one.
func meet(word string, in *bufio.Reader) {
	fmt.Println(word)
	_, err := in.ReadString('\n')
	must(err, "wait")
}

func crowd(address string) {
	const lazyReplies = 200
	conn, err := net.Dial("tcp", address)
	must(err, "connect")
	m := &meddler{Conn: conn}
	session, err := yamux.Client(m, crowdConfig())
	must(err, "begin a session")
	in := bufio.NewReader(os.Stdin)
	all := make([]*yamux.Stream, crowdSize)
	for i := range all {
		all[i] = open(session)
		talk(all[i], fmt.Sprintf("first-%d", i), 1)
	}
	meet("open", in)
	beLazy(all[0], lazyReplies)
	var group sync.WaitGroup
	for i := 1; i < crowdSize; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			if i%3 == 0 {
				beReset(m, all[i], fmt.Sprintf("reset-%d", i), valueOf(i, 0))
			} else {
				beServed(all[i], i)
			}
		}(i)
	}
	group.Wait()
	pings(session)
	meet("reset", in)
	for i := 0; i < lazyReplies; i++ {
		expect(all[0], wanted(valueOf(0, 0)), "hget lazy")
	}
	must(session.GoAway(), "go away")
	for i := 0; i < crowdSize; i++ {
		if i == 0 || i%3 != 0 {
			must(all[i].Close(), "close")
			if _, err := all[i].Read(make([]byte, 1)); err != io.EOF {
				fail("stream %d does not end: %v", i, err)
			}
		}
	}
	meet("closed", in)
	session.Close()
}

// Sends back what comes. Every third stream is reset behind some of it, and the first is not read before the program is told.
func crowdServer() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err, "listen")
	fmt.Println(listener.Addr())
	told := make(chan bool)
	go func() {
		in := bufio.NewReader(os.Stdin)
		in.ReadString('\n')
		close(told)
		io.Copy(io.Discard, in) // ends with whoever started it
		os.Exit(0)
	}()
	conn, err := listener.Accept()
	must(err, "accept")
	m := &meddler{Conn: conn}
	session, err := yamux.Server(m, crowdConfig())
	must(err, "begin a session")
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			break
		}
		go func() {
			switch stream.StreamID() / 2 % 3 {
			case 2:
				io.CopyN(stream, stream, 10000)
				m.reset(stream)
			default:
				if stream.StreamID() == 1 {
					<-told
					must(session.GoAway(), "go away")
				}
				io.Copy(stream, stream)
				stream.Close()
			}
		}()
	}
	fmt.Println("ended")
}
