package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"portcullis.dev/portcullis/pkg/api/v1alpha1"
	"portcullis.dev/portcullis/pkg/policy"
	"portcullis.dev/portcullis/pkg/ruleset"
)

// rulebook compiles the rules in force when they are asked for and have changed: the library with all GatewayPolicies. It
// is no replica of the webhook, so it reports to nobody what it runs. As there, a set that does not compile changes
// nothing: the last good one goes on.
type rulebook struct {
	reader client.Reader
	// options are the deadline and the configuration.
	options policy.Options
	// changed is called when another library is there.
	changed func()

	mutex    sync.Mutex
	library  fs.FS
	revision string
	// attempted names the set that was last compiled, whatever came of it.
	attempted string
	engine    *policy.Engine
	fault     error
}

// current are the rules in force. An error means that there are none that could be asked.
func (r *rulebook) current(ctx context.Context) (*policy.Engine, error) {
	list := &v1alpha1.GatewayPolicyList{}
	if err := r.reader.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing GatewayPolicies: %w", err)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.library == nil {
		return nil, errors.New("rules must have come from their bundle, have not yet")
	}
	if name := ruleset.Identity(r.revision, list.Items); name != r.attempted {
		r.attempted = name
		r.compile(ctx, list.Items)
	}
	if r.engine == nil {
		return nil, fmt.Errorf("compiling the rules: %w", r.fault)
	}
	return r.engine, nil
}

// compile compiles the library with some policies.
func (r *rulebook) compile(ctx context.Context, policies []v1alpha1.GatewayPolicy) {
	options := r.options
	options.Library = r.revision
	engine, err := (*policy.Engine)(nil), error(nil)
	if options.Policies, err = ruleset.Policies(policies); err == nil {
		engine, err = policy.New(ctx, r.library, options)
	}
	if r.fault = err; err != nil {
		log.FromContext(ctx).Error(err, "Kept the last good set of rules", "library", r.revision)
		return
	}
	r.engine = engine
	log.FromContext(ctx).Info("Took in a set of rules", "revision", engine.Revision(), "policies", len(policies))
}

// SetLibrary has another library be asked from now on. An error means that it cannot be used.
func (r *rulebook) SetLibrary(ctx context.Context, rules fs.FS, revision string) error {
	options := r.options
	options.Library = revision
	if _, err := policy.New(ctx, rules, options); err != nil {
		return err
	}
	r.mutex.Lock()
	r.library, r.revision = rules, revision
	r.mutex.Unlock()
	r.changed()
	return nil
}
