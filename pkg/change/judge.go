package change

import (
	"slices"
)

// judge notes what the change does in a group of clusters, and which fields do it.
func (c *comparison) judge(in group, effects map[Effect][]string) error {
	id := in.ids[0]
	relevant := c.relevant(id)
	// Nothing that decides what runs here has changed: an edit of labels, or of another cluster's overrides.
	if len(relevant) == 0 {
		return nil
	}
	before, after := c.render(c.old, id), c.render(c.new, id)
	for _, effect := range all() {
		happens, err := effect.happens(before, after)
		if err != nil {
			return err
		}
		if !happens {
			continue
		}
		effects[effect.name] = append(effects[effect.name], in.ids...)
		causes, err := guilty(relevant, func(fields []int) (bool, error) {
			// All of them together are what has just been judged.
			if len(fields) == len(relevant) {
				return true, nil
			}
			partial, err := c.partial(fields)
			if err != nil {
				return false, err
			}
			return effect.happens(before, c.render(partial, id))
		})
		if err != nil {
			return err
		}
		c.blame(causes, effect.name, in.ids)
	}
	return nil
}

// relevant lists the changed fields that can matter in a cluster: all but the overrides of others.
func (c *comparison) relevant(id string) []int {
	var out []int
	for i, field := range c.changed {
		if of, ok := overridden(field.keys); !ok || of == id {
			out = append(out, i)
		}
	}
	return out
}

// blame notes which fields have an effect in a group of clusters. The fields are those of its first cluster; in the
// others it is their own overrides that do the same.
func (c *comparison) blame(guilty []int, effect Effect, ids []string) {
	for _, i := range guilty {
		for _, id := range ids {
			keys := c.changed[i].keys
			if _, ok := overridden(keys); ok {
				keys = slices.Clone(keys)
				keys[overrideKey] = id
			}
			at := c.index[joined(keys)]
			c.changed[at].Effects = append(c.changed[at].Effects, effect)
			c.changed[at].Clusters = append(c.changed[at].Clusters, id)
		}
	}
}

// guilty lists which of some fields have an effect: those that have it alone, then, as long as what is left has it still,
// the smallest set of them that does so together. What is not listed has no effect, alone or together.
func guilty(fields []int, causes func([]int) (bool, error)) ([]int, error) {
	var out, rest []int
	for _, i := range fields {
		alone, err := causes([]int{i})
		if err != nil {
			return nil, err
		}
		if alone {
			out = append(out, i)
			continue
		}
		rest = append(rest, i)
	}
	for len(rest) > 1 {
		together, err := causes(rest)
		if err != nil || !together {
			return out, err
		}
		needed, err := smallest(rest, causes)
		if err != nil {
			return nil, err
		}
		out = append(out, needed...)
		rest = without(rest, needed...)
	}
	return out, nil
}

// smallest is a set of fields that have an effect together, of which none can be left out: each of them is tried.
func smallest(fields []int, causes func([]int) (bool, error)) ([]int, error) {
	out := fields
	for _, i := range fields {
		fewer := without(out, i)
		still, err := causes(fewer)
		if err != nil {
			return nil, err
		}
		if still {
			out = fewer
		}
	}
	return out, nil
}

// without is a list without some of its items.
func without(list []int, items ...int) []int {
	return slices.DeleteFunc(slices.Clone(list), func(i int) bool { return slices.Contains(items, i) })
}
