// Package wire leads to a cluster's API server over TCP, and can be cut or made to hang: what networks do to those who
// depend on them.
package wire

import (
	"io"
	"net"
	"sync"
)

// Wire is a way to an API server.
type Wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	state State
	open  map[net.Conn]bool
}

// State is what becomes of new connections.
type State int

// The states of a wire.
const (
	// Passing leads to the API server.
	Passing State = iota
	// Cut ends every connection.
	Cut
	// Hanging takes connections and says nothing.
	Hanging
)

// New leads to a host and port until it is closed.
func New(to string) (*Wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &Wire{listener: listener, to: to, open: map[net.Conn]bool{}}
	go w.serve()
	return w, nil
}

// Address is where clients reach the wire.
func (w *Wire) Address() string { return w.listener.Addr().String() }

// Set changes what becomes of connections, and ends those that there are.
func (w *Wire) Set(state State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
	for connection := range w.open {
		_ = connection.Close()
	}
	clear(w.open)
}

// Close ends the wire.
func (w *Wire) Close() {
	_ = w.listener.Close()
	w.Set(Cut)
}

// serve takes connections until the wire is closed.
func (w *Wire) serve() {
	for {
		connection, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.join(connection)
	}
}

// join connects a client with the API server, if that is what the wire does now.
func (w *Wire) join(client net.Conn) {
	w.mu.Lock()
	state := w.state
	w.open[client] = true
	w.mu.Unlock()
	switch state {
	case Cut:
		_ = client.Close()
	case Hanging:
		// Closed when the state changes.
	case Passing:
		w.pass(client)
	}
}

// pass copies both ways until one side ends.
func (w *Wire) pass(client net.Conn) {
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.open[server] = true
	w.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
	_ = client.Close()
}
