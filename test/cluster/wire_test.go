package cluster_test

import (
	"io"
	"net"
	"sync"
)

// wire is a TCP connection to a cluster's API server that a spec can cut or block: what a network does to us.
type wire struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	state wireState
	open  map[net.Conn]bool
}

// wireState is what becomes of new connections.
type wireState int

const (
	// passing leads to the API server.
	passing wireState = iota
	// cut ends every connection.
	cut
	// hanging takes connections and says nothing.
	hanging
)

// newWire leads to an address until it is closed.
func newWire(to string) (*wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: listener, to: to, open: map[net.Conn]bool{}}
	go w.serve()
	return w, nil
}

// address is where clients reach the wire.
func (w *wire) address() string { return w.listener.Addr().String() }

// set changes what becomes of connections, and ends those that there are.
func (w *wire) set(state wireState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = state
	for connection := range w.open {
		_ = connection.Close()
	}
	clear(w.open)
}

// close ends the wire.
func (w *wire) close() {
	_ = w.listener.Close()
	w.set(cut)
}

// serve takes connections until the wire is closed.
func (w *wire) serve() {
	for {
		connection, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.join(connection)
	}
}

// join connects a client with the API server, if that is what the wire does now.
func (w *wire) join(client net.Conn) {
	w.mu.Lock()
	state := w.state
	w.open[client] = true
	w.mu.Unlock()
	switch state {
	case cut:
		_ = client.Close()
	case hanging:
		// Closed when the state changes.
	case passing:
		w.pass(client)
	}
}

// pass copies both ways until one side ends.
func (w *wire) pass(client net.Conn) {
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
