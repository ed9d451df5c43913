// Package board says what is on the dashboard, and what each panel shows after the incident that test/monitoring plays.
package board

import "slices"

// Row is a heading and the panels below it.
type Row struct {
	// Title heads the row.
	Title string
	// Panels are beside each other, and below when there is no room.
	Panels []Panel
}

// Panel is one picture.
type Panel struct {
	// Title and Description say what is seen.
	Title, Description string
	// Kind is Grafana's name of the picture.
	Kind Kind
	// Unit is Grafana's name of the values' unit.
	Unit string
	// Width is how many of 24 columns the panel takes.
	Width int
	// Queries are what is asked for.
	Queries []Query
}

// Kind is Grafana's name of a kind of panel.
type Kind string

// The kinds of panels that there are.
const (
	Timeseries Kind = "timeseries"
	Stat       Kind = "stat"
	Table      Kind = "table"
)

// Query is one expression, and what it must return after the incident.
type Query struct {
	// Expr is the expression; Legend names its series.
	Expr, Legend string
	// Shows are what must be among the result after the incident, each as {label="value"} and a comparison. In the end
	// there is no panel of which nobody knows what it would show.
	Shows []string
}

// Rows are all rows, from top to bottom.
func Rows() []Row {
	return slices.Concat(guard(), gateways(), operation())
}

// rate is the rate of a counter of this installation, summed by some labels.
func rate(counter, matchers, by string) string {
	return "sum by (" + by + ") (rate(" + ours(counter, matchers) + "[$__rate_interval]))"
}

// rises is how much a counter rises from point to point, summed by some labels.
func rises(counter, matchers, by string) string {
	return "sum by (" + by + ") (increase(" + ours(counter, matchers) + "[$__rate_interval]))"
}

// total is how much a counter rose in all the time that is looked at.
func total(counter, matchers string) string {
	return "sum(increase(" + ours(counter, matchers) + "[$__range]))"
}

// ours are the series of this installation, with further matchers.
func ours(metric, matchers string) string {
	if matchers != "" {
		matchers = "," + matchers
	}
	return metric + `{namespace=~"$namespace"` + matchers + "}"
}

// quantile is a quantile of a histogram by some labels; of a native one, where Prometheus takes those, which has no
// buckets.
func quantile(q, histogram, by string) string {
	return "histogram_quantile(" + q + ", sum by (" + by + ", le) (rate(" + ours(histogram+"_bucket", "") + "[$__rate_interval])))" +
		" or histogram_quantile(" + q + ", sum by (" + by + ") (rate(" + ours(histogram, "") + "[$__rate_interval])))"
}
