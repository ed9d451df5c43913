package decision

import (
	"context"
	"io"

	"portcullis.dev/portcullis/pkg/bounded"
)

// buffer is how many bytes of lines wait for a writer.
const buffer = 8 << 20

// Writer writes records, a line each. Whoever reads them may be slow: what does not fit into its buffer is lost and
// counted.
type Writer struct {
	out   io.Writer
	count func(result string, records int)
	queue *bounded.Queue[[]byte]
}

// NewWriter writes to out, and tells count what becomes of records.
func NewWriter(out io.Writer, count func(result string, records int)) *Writer {
	return &Writer{out: out, count: count, queue: bounded.New[[]byte](buffer)}
}

// Offer takes a record to be written. It never waits.
func (w *Writer) Offer(line Line) {
	if lost := w.queue.Push(line.JSON, int64(len(line.JSON)+overhead)); lost > 0 {
		w.count(Dropped, lost)
	}
}

// Start writes until the context ends, and then what is left.
func (w *Writer) Start(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case <-w.queue.Ready():
			w.write()
		case <-ctx.Done():
		}
	}
	w.queue.Close()
	w.write()
	return nil
}

// write writes all that waits.
func (w *Writer) write() {
	for _, line := range w.queue.Take(buffer) {
		// At once, so that lines of others are never in its middle.
		if _, err := w.out.Write(append(line, '\n')); err != nil {
			w.count(Failed, 1)
			continue
		}
		w.count(Sent, 1)
	}
}
