package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// heard is what a handler heard, a line for each event.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

func (h *heard) OnAdd(object any, first bool) {
	h.add("add %s %t", object.(*corev1.Service).Name, first)
}

func (h *heard) OnUpdate(before, after any) {
	h.add("update %s %s>%s", after.(*corev1.Service).Name, before.(*corev1.Service).ResourceVersion, after.(*corev1.Service).ResourceVersion)
}

func (h *heard) OnDelete(object any) {
	if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		h.add("missed %s", gone.Obj.(*corev1.Service).Name)
		return
	}
	h.add("delete %s", object.(*corev1.Service).Name)
}

// expect waits until a handler heard exactly that, in any order.
func (h *heard) expect(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	var got []string
	for began := time.Now(); time.Since(began) < 10*time.Second; pass(t.Context(), time.Millisecond) {
		h.mu.Lock()
		got = slices.Sorted(slices.Values(h.lines))
		h.mu.Unlock()
		if slices.Equal(got, want) {
			h.mu.Lock()
			h.lines = nil
			h.mu.Unlock()
			return
		}
	}
	t.Fatalf("got %q, want %q", got, want)
}

// serviceAt is a Service at a version.
func serviceAt(name, version string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "istio-system", Name: name, ResourceVersion: version}}
}

// listing lists some Services, and then watches what comes out of a watcher; both may be replaced.
type listing struct {
	mu      sync.Mutex
	listed  []corev1.Service
	watcher *watch.FakeWatcher
}

func (l *listing) ListWithContext(context.Context, metav1.ListOptions) (runtime.Object, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &corev1.ServiceList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: slices.Clone(l.listed)}, nil
}

func (l *listing) WatchWithContext(context.Context, metav1.ListOptions) (watch.Interface, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watcher = watch.NewFake()
	return l.watcher, nil
}

func (l *listing) List(options metav1.ListOptions) (runtime.Object, error) {
	return l.ListWithContext(context.Background(), options)
}

func (l *listing) Watch(options metav1.ListOptions) (watch.Interface, error) {
	return l.WatchWithContext(context.Background(), options)
}

// IsWatchListSemanticsUnSupported makes the reflector list.
func (l *listing) IsWatchListSemanticsUnSupported() bool { return true }

// watching is the watcher once there is one.
func (l *listing) watching(t *testing.T) *watch.FakeWatcher {
	t.Helper()
	for began := time.Now(); time.Since(began) < 10*time.Second; pass(t.Context(), time.Millisecond) {
		l.mu.Lock()
		watcher := l.watcher
		l.mu.Unlock()
		if watcher != nil {
			return watcher
		}
	}
	t.Fatal("nothing is watched")
	return nil
}

func TestAnInformerTellsItsHandlersWhatBecomesOfObjects(t *testing.T) {
	from := &listing{listed: []corev1.Service{*serviceAt("a", "1"), *serviceAt("b", "1")}}
	informer := newInformer(from, &corev1.Service{}, 0, toolscache.Indexers{toolscache.NamespaceIndex: toolscache.MetaNamespaceIndexFunc})
	early, late := &heard{}, &heard{}
	handle, err := informer.AddEventHandler(early)
	if err != nil {
		t.Fatal(err)
	}
	if informer.HasSynced() || handle.HasSynced() {
		t.Error("has read everything before it ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { informer.RunWithContext(ctx); close(done) }()
	early.expect(t, "add a true", "add b true")
	watcher := from.watching(t)
	if !informer.HasSynced() || !handle.HasSynced() {
		t.Error("has not read everything when it watches")
	}
	if _, err := informer.AddEventHandler(late); err != nil {
		t.Fatal(err)
	}
	late.expect(t, "add a true", "add b true")
	watcher.Add(serviceAt("c", "2"))
	watcher.Modify(serviceAt("a", "3"))
	watcher.Delete(serviceAt("b", "4"))
	early.expect(t, "add c false", "update a 1>3", "delete b")
	late.expect(t, "add c false", "update a 1>3", "delete b")
	if kept, err := informer.GetIndexer().ByIndex(toolscache.NamespaceIndex, "istio-system"); err != nil || len(kept) != 2 {
		t.Errorf("keeps %v (%v), want a and c", kept, err)
	}
	names := toolscache.Indexers{"name": func(object any) ([]string, error) { return []string{object.(*corev1.Service).Name}, nil }}
	if err := informer.AddIndexers(names); err != nil {
		t.Fatal(err)
	}
	if kept, err := informer.GetIndexer().ByIndex("name", "a"); err != nil || len(kept) != 1 {
		t.Errorf("finds %v (%v) by an index that came late, want a", kept, err)
	}
	if err := informer.RemoveEventHandler(handle); err != nil {
		t.Fatal(err)
	}
	watcher.Modify(serviceAt("c", "5"))
	late.expect(t, "update c 2>5")
	early.expect(t)
	cancel()
	<-done
	if _, err := informer.AddEventHandler(early); err == nil {
		t.Error("takes a handler after its end, which would never hear of anything")
	}
}

func TestAnInformerTellsOfWhatWentWhileNobodyWatched(t *testing.T) {
	made, ok := newInformer(&listing{}, &corev1.Service{}, 0, toolscache.Indexers{}).(*informer)
	if !ok {
		t.Fatal("must be an informer of ours")
	}
	all := &heard{}
	if _, err := made.AddEventHandler(all); err != nil {
		t.Fatal(err)
	}
	read := &mirror{made}
	for _, listed := range [][]any{{serviceAt("a", "1"), serviceAt("b", "1")}, {serviceAt("b", "2"), serviceAt("c", "2")}} {
		if err := read.Replace(listed, ""); err != nil {
			t.Fatal(err)
		}
	}
	all.expect(t, "add a true", "add b true", "update b 1>2", "add c false", "missed a")
}
