package board

// gateways are the rows about gateways and clusters.
func gateways() []Row {
	// Each replica of the controller tells all of it, so the greatest is taken and nothing summed.
	most := func(metric, by string) string { return "max by (" + by + ") (" + ours(metric, "") + ")" }
	return []Row{{"Gateways", []Panel{
		{"Gateways by condition", "How many gateways have each condition, by its status.", Table, "short", 12, []Query{
			{most("portcullis_gateways", "condition, status") + " > 0", "{{condition}} {{status}}", []string{`{condition="RestartPending",status="True"} >= 1`, `{condition="Accepted",status="True"} >= 2`}},
		}},
		{"Gateways in clusters", "Each gateway counted in every cluster that it is in, by how it is there.", Timeseries, "short", 12, []Query{
			{most("portcullis_placements", "state"), "{{state}}", []string{`{state="Ready"} > 0`, `{state="Failed"} > 0`}},
		}},
		{"Restarts held", "Gateways of which a restart waits for an approval, by why.", Timeseries, "short", 12, []Query{
			{most("portcullis_gateways_held", "reason"), "{{reason}}", []string{`{reason="UpgradeHeld"} >= 1`, `{reason="TemplateDrifted"} == 0`}},
		}},
		{"Held the longest", "For how long the restart is held that has been held the longest; empty while none is.", Stat, "s", 6, []Query{
			{"time() - min(" + ours("portcullis_gateways_held_since_timestamp_seconds", "") + ")", "held", []string{`{} > 0`}},
		}},
		{"Addresses lost", "Addresses that gateways lost though they still ask for them. It should be none.", Stat, "short", 6, []Query{
			{total("portcullis_address_lost_total", ""), "lost", []string{`{} > 0`}},
		}},
	}}, {"Clusters", []Panel{
		{"Clusters connected", "How many registered clusters can be reached.", Stat, "short", 6, []Query{
			{most("portcullis_clusters_connected", ""), "connected", []string{`{} == 1`}},
		}},
		{"Clusters", "Whether each registered cluster can be reached.", Timeseries, "bool_on_off", 18, []Query{
			{"min by (cluster) (" + ours("portcullis_cluster_up", "") + ")", "{{cluster}}", []string{`{cluster="home"} == 1`, `{cluster="away"} == 0`}},
		}},
	}}, {"Audit", []Panel{
		{"Violations", "What the rules in force have to say of the gateways that there are.", Table, "short", 12, []Query{
			{most("portcullis_audit_violations", "rule, enforcement") + " > 0", "{{rule}} {{enforcement}}", []string{`{rule="late",enforcement="Deny"} >= 1`}},
		}},
		{"Since the oldest audit", "How long ago the gateway was audited of which that is the longest.", Stat, "s", 6, []Query{
			{"time() - min(" + ours("portcullis_audit_timestamp_seconds", "") + ")", "age", []string{`{} >= 0`}},
		}},
		{"Audits that failed", "Audits that could not be decided, and results that could not be written. It should be none.", Stat, "short", 6, []Query{
			{total("portcullis_audit_failures_total", ""), "failed", []string{`{} > 0`}},
		}},
	}}}
}
