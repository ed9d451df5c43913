// Metricsdocs writes the page of our metrics from what they say of themselves.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"portcullis.dev/portcullis/pkg/audit"
	"portcullis.dev/portcullis/pkg/certificate"
	"portcullis.dev/portcullis/pkg/cluster"
	"portcullis.dev/portcullis/pkg/decision"
	"portcullis.dev/portcullis/pkg/policy/bundle"
	"portcullis.dev/portcullis/pkg/reconcile"
	"portcullis.dev/portcullis/pkg/ruleset"
)

// binary is one of our programs, and what it registers.
type binary struct {
	// name heads its table, and what says when these metrics are there.
	name, what string
	// register registers its metrics, of nothing: they are described and never scraped.
	register func(prometheus.Registerer) error
}

// binaries are all that have metrics of ours.
func binaries() []binary {
	return []binary{
		{"The webhook", "On `/metrics` of each replica.", func(registry prometheus.Registerer) error {
			if _, err := decision.NewMetrics(registry); err != nil {
				return err
			}
			if _, err := decision.NewCounts(registry); err != nil {
				return err
			}
			if _, err := ruleset.New(ruleset.Options{}, registry); err != nil {
				return err
			}
			return registry.Register(&certificate.Expiries{})
		}},
		{"The webhook with rules from a bundle", "With `--bundle-config` ([bundles.md](bundles.md)).", func(registry prometheus.Registerer) error {
			_, err := bundle.New(bundle.Options{Metrics: registry})
			return err
		}},
		{"The controller", "On `/metrics` of each replica. All of them tell how gateways and clusters are; the leader alone has counts that rise.", func(registry prometheus.Registerer) error {
			return errors.Join(reconcile.RegisterMetrics(registry), registry.Register(cluster.NewRegistry(context.Background(), cluster.Options{})))
		}},
		{"The controller's audit", "On `/metrics` of the replica that works, with `--audit-interval` ([audit.md](audit.md)).", func(registry prometheus.Registerer) error {
			return registry.Register(audit.Metrics())
		}},
	}
}

func main() {
	if err := write(os.Stdout, binaries()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// head is what the page says before the tables.
const head = `<!-- Written by make generate. -->

# Metrics

What each binary tells Prometheus about itself, beside what controller-runtime tells: queues and reconciliations
(` + "`workqueue_*`, `controller_runtime_*`" + `), requests to API servers (` + "`rest_client_*`" + `), and the Go runtime
(` + "`go_*`, `process_*`" + `).

No label holds the name of a gateway or of a user: how many there are makes no difference to the number of series. Which
gateway, and who, is in the [record of the decision](decisions.md).

Histograms are classic and native at once: a Prometheus that scrapes native histograms gets those.
`

// write writes the page.
func write(out io.Writer, binaries []binary) error {
	if _, err := io.WriteString(out, head); err != nil {
		return err
	}
	for _, of := range binaries {
		list := &describing{}
		if err := of.register(list); err != nil {
			return fmt.Errorf("describing the metrics of %s: %w", of.name, err)
		}
		table, err := list.table()
		if err != nil {
			return fmt.Errorf("describing the metrics of %s: %w", of.name, err)
		}
		if _, err := fmt.Fprintf(out, "\n## %s\n\n%s\n\n%s", of.name, of.what, table); err != nil {
			return err
		}
	}
	return nil
}
