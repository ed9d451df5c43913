package cluster

import (
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
)

// mirror takes what an informer's reflector reads: it keeps each object, and tells the handlers.
type mirror struct {
	of *informer
}

// Add keeps a new object.
func (m *mirror) Add(object any) error {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	return m.keep(object)
}

// Update keeps an object as it is now.
func (m *mirror) Update(object any) error { return m.Add(object) }

// Delete drops an object.
func (m *mirror) Delete(object any) error {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	return m.drop(object)
}

// Replace keeps what was listed and nothing else. What is gone, of which no event came, is told as it was last known.
func (m *mirror) Replace(listed []any, _ string) error {
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	there := map[string]bool{}
	for _, object := range listed {
		key, err := toolscache.DeletionHandlingMetaNamespaceKeyFunc(object)
		if err != nil {
			return fmt.Errorf("naming an object: %w", err)
		}
		there[key] = true
		if err := m.keep(object); err != nil {
			return err
		}
	}
	for _, key := range m.of.objects.ListKeys() {
		if there[key] {
			continue
		}
		last, _, err := m.of.objects.GetByKey(key)
		if err != nil {
			return fmt.Errorf("reading what is kept of %s: %w", key, err)
		}
		if err := m.drop(toolscache.DeletedFinalStateUnknown{Key: key, Obj: last}); err != nil {
			return err
		}
	}
	if !m.of.HasSynced() {
		close(m.of.synced)
	}
	return nil
}

// Resync tells nothing: nothing changed.
func (m *mirror) Resync() error { return nil }

// keep keeps an object, and tells the handlers. Its caller holds the lock.
func (m *mirror) keep(object any) error {
	if m.of.transform != nil {
		var err error
		if object, err = m.of.transform(object); err != nil {
			return fmt.Errorf("transforming an object: %w", err)
		}
	}
	before, known, err := m.of.objects.Get(object)
	if err != nil {
		return fmt.Errorf("reading what is kept: %w", err)
	}
	if err := m.of.objects.Update(object); err != nil {
		return fmt.Errorf("keeping an object: %w", err)
	}
	for _, handler := range m.of.handlers {
		if known {
			handler.OnUpdate(before, object)
			continue
		}
		handler.OnAdd(object, !m.of.HasSynced())
	}
	return nil
}

// drop drops an object, and tells the handlers. Its caller holds the lock.
func (m *mirror) drop(object any) error {
	if err := m.of.objects.Delete(object); err != nil {
		return fmt.Errorf("dropping an object: %w", err)
	}
	for _, handler := range m.of.handlers {
		handler.OnDelete(object)
	}
	return nil
}
