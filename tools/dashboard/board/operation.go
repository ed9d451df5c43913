package board

// operation are the rows about the controller and the processes.
func operation() []Row {
	return []Row{{"Controller", []Panel{
		{"Passes", "Passes a second over a gateway in a cluster, by what came of them.", Timeseries, "ops", 12, []Query{
			{rate("portcullis_passes_total", "", "result"), "{{result}}", []string{`{result="changed"} > 0`, `{result="unchanged"} > 0`, `{result="unreachable"} > 0`}},
		}},
		{"Objects applied", "Objects that were created or changed, or could not be, by kind.", Timeseries, "short", 12, []Query{
			{rises("portcullis_applies_total", `result!="unchanged"`, "kind, result"), "{{kind}} {{result}}", []string{`{kind="Deployment",result="created"} > 0`, `{kind="Service",result="changed"} > 0`}},
		}},
		{"Drift corrected", "Objects that somebody changed and that were put right, by who changed them, since the controller began.", Table, "short", 8, []Query{
			{"sum by (writer) (" + ours("portcullis_drift_corrected_total", "") + ") > 0", "{{writer}}", []string{`{writer="kubectl-edit"} >= 1`}},
		}},
		{"Queues", "How much waits to be worked on.", Timeseries, "short", 8, []Query{
			{"sum by (name) (" + ours("workqueue_depth", "") + ")", "{{name}}", []string{`{name="placements"} >= 0`, `{name="gateways"} >= 0`}},
		}},
		{"Time in the queue", "How long ninety-nine in a hundred waited at most before they were worked on.", Timeseries, "s", 8, []Query{
			{"histogram_quantile(0.99, sum by (name, le) (rate(" + ours("workqueue_queue_duration_seconds_bucket", "") + "[$__rate_interval])))", "{{name}}", []string{`{name="gateways"} > 0`}},
		}},
		{"Requests to API servers", "Requests a second by the status of the answer.", Timeseries, "reqps", 12, []Query{
			{rate("rest_client_requests_total", "", "code"), "{{code}}", []string{`{code="200"} > 0`}},
		}},
		{"Leader", "Which replica of the controller works.", Stat, "short", 12, []Query{
			{ours("leader_election_master_status", `name="portcullis-controller"`), "{{pod}}", []string{`{} == 1`}},
		}},
	}}, {"Processes", []Panel{
		{"Memory", "What each process takes.", Timeseries, "bytes", 12, []Query{
			{ours("process_resident_memory_bytes", `job=~".*portcullis.*"`), "{{pod}}", []string{`{} > 1000000`}},
		}},
		{"Processors", "How much of a processor each process takes.", Timeseries, "short", 12, []Query{
			{"rate(" + ours("process_cpu_seconds_total", `job=~".*portcullis.*"`) + "[$__rate_interval])", "{{pod}}", []string{`{} > 0`}},
		}},
	}}}
}
