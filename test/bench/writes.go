package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// writes reads the API server's record of who wrote what, as it grows.
type writes struct {
	file *os.File
	line *bufio.Reader
	rest string
	// controller says which user's are counted.
	user string
	all  []write
}

// write is one request that wrote.
type write struct {
	// what is the verb and the resource.
	verb, resource string
	// at is when it was answered.
	at time.Time
}

// auditEvent is what we read of an audit event.
type auditEvent struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	RequestURI     string    `json:"requestURI"`
	StageTimestamp time.Time `json:"stageTimestamp"`
}

// openWrites reads a record from its beginning.
func openWrites(path, user string) (*writes, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	return &writes{file: file, line: bufio.NewReaderSize(file, 1<<20), user: user}, nil
}

// read reads what was added since it was last read, and returns all.
func (w *writes) read() ([]write, error) {
	for {
		text, err := w.line.ReadString('\n')
		w.rest += text
		if errors.Is(err, io.EOF) {
			return w.all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		var event auditEvent
		if err := json.Unmarshal([]byte(w.rest), &event); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		w.rest = ""
		// A dry run and a question about oneself store nothing.
		if event.User.Username == w.user && !strings.Contains(event.RequestURI, "dryRun=") && !strings.HasSuffix(event.ObjectRef.Resource, "reviews") {
			w.all = append(w.all, event.write())
		}
	}
}

// write is an audit event as we count it.
func (e auditEvent) write() write {
	resource := e.ObjectRef.Resource
	if e.ObjectRef.Subresource != "" {
		resource += "/" + e.ObjectRef.Subresource
	}
	return write{verb: e.Verb, resource: resource, at: e.StageTimestamp}
}

// counted are writes by verb and resource, in words.
func counted(all []write) string {
	counts := map[string]int{}
	for _, write := range all {
		counts[write.verb+" "+write.resource]++
	}
	var out []string
	for what, count := range counts {
		out = append(out, fmt.Sprintf("%d %s", count, what))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// isObject says whether a write is of what a gateway is made of.
func (w write) isObject() bool {
	return w.resource != "events" && !strings.HasPrefix(w.resource, "istiogateways") && !strings.HasPrefix(w.resource, "gatewayclusters") &&
		!strings.HasPrefix(w.resource, "validatingadmission")
}

// close ends the reading.
func (w *writes) close() error {
	return w.file.Close()
}
