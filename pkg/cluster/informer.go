package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
)

// informer keeps the objects of one kind of a cluster in memory, as client-go's own does, at a third of its price. That
// one puts a queue, a buffer of a thousand events and four goroutines between an API server and each handler, so that a
// slow handler holds up nobody; with hundreds of clusters these are most of what a controller has in memory. Ours do
// nothing but add to a queue, so they are called where the event arrives.
type informer struct {
	reflector *toolscache.Reflector
	objects   toolscache.Indexer
	transform toolscache.TransformFunc

	// mu is held while an object changes and its handlers hear of it, so that none hears of it twice or never.
	mu       sync.Mutex
	handlers []*registration
	// synced is closed when everything was read once.
	synced chan struct{}
	// stopped is true after the end.
	stopped bool
}

// registration is one handler of an informer.
type registration struct {
	toolscache.ResourceEventHandler
	of *informer
}

var (
	errWatchErrors = errors.New("what breaks off a watch must go to the log, and nowhere else")
	errStopped     = errors.New("the informer must run or be about to, has stopped")
)

// newInformer makes an informer; what it is given is what client-go's own is given. It never tells of objects that did not
// change, which is what a resync would be.
func newInformer(from toolscache.ListerWatcher, kind runtime.Object, _ time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	out := &informer{
		objects: toolscache.NewIndexer(toolscache.DeletionHandlingMetaNamespaceKeyFunc, indexers),
		synced:  make(chan struct{}),
	}
	out.reflector = toolscache.NewReflectorWithOptions(from, kind, &mirror{out}, toolscache.ReflectorOptions{})
	return out
}

// RunWithContext reads and watches until the context ends.
func (i *informer) RunWithContext(ctx context.Context) {
	i.reflector.RunWithContext(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
}

// Run reads and watches until a channel is closed.
func (i *informer) Run(stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-stop:
		case <-ctx.Done():
		}
	}()
	i.RunWithContext(ctx)
}

// AddEventHandler adds a handler, which first hears of every object that there is.
func (i *informer) AddEventHandler(handler toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped {
		return nil, errStopped
	}
	added := &registration{handler, i}
	i.handlers = append(i.handlers, added)
	for _, object := range i.objects.List() {
		handler.OnAdd(object, true)
	}
	return added, nil
}

// AddEventHandlerWithResyncPeriod adds a handler; there is no resync.
func (i *informer) AddEventHandlerWithResyncPeriod(handler toolscache.ResourceEventHandler, _ time.Duration) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(handler)
}

// AddEventHandlerWithOptions adds a handler; there is no resync.
func (i *informer) AddEventHandlerWithOptions(handler toolscache.ResourceEventHandler, _ toolscache.HandlerOptions) (toolscache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(handler)
}

// RemoveEventHandler removes a handler.
func (i *informer) RemoveEventHandler(handle toolscache.ResourceEventHandlerRegistration) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handlers = slices.DeleteFunc(i.handlers, func(added *registration) bool {
		return toolscache.ResourceEventHandlerRegistration(added) == handle
	})
	return nil
}

// GetStore is what is in memory, and so is GetIndexer.
func (i *informer) GetStore() toolscache.Store { return i.objects }

// GetIndexer is what is in memory.
func (i *informer) GetIndexer() toolscache.Indexer { return i.objects }

// AddIndexers adds indexers, of what there is already too.
func (i *informer) AddIndexers(indexers toolscache.Indexers) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.objects.AddIndexers(indexers)
}

// GetController is nothing that anybody uses.
func (i *informer) GetController() toolscache.Controller { return nil }

// HasSynced says whether everything was read once.
func (i *informer) HasSynced() bool {
	return toolscache.IsDone(i)
}

// HasSyncedChecker says when everything was read once.
func (i *informer) HasSyncedChecker() toolscache.DoneChecker { return i }

// Done is closed when everything was read once.
func (i *informer) Done() <-chan struct{} { return i.synced }

// Name is for those who wait.
func (i *informer) Name() string { return i.reflector.TypeDescription() }

// HasSynced says whether the handler heard of everything that was read first.
func (r *registration) HasSynced() bool { return r.of.HasSynced() }

// HasSyncedChecker says when it did.
func (r *registration) HasSyncedChecker() toolscache.DoneChecker { return r.of }

// LastSyncResourceVersion is the version that was read last.
func (i *informer) LastSyncResourceVersion() string { return i.reflector.LastSyncResourceVersion() }

// SetWatchErrorHandler is refused: client-go's reflector tells the log, and lets nobody else but its own informers change that.
func (i *informer) SetWatchErrorHandler(toolscache.WatchErrorHandler) error { return errWatchErrors }

// SetWatchErrorHandlerWithContext is refused too.
func (i *informer) SetWatchErrorHandlerWithContext(toolscache.WatchErrorHandlerWithContext) error {
	return errWatchErrors
}

// SetTransform says what is made of objects before they are kept, before the informer runs.
func (i *informer) SetTransform(transform toolscache.TransformFunc) error {
	i.transform = transform
	return nil
}

// IsStopped says whether the informer ended.
func (i *informer) IsStopped() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stopped
}
