package board

// guard are the rows about decisions.
func guard() []Row {
	return []Row{{"Guard", []Panel{
		{"Decisions", "Requests a second by what the guard decided, dry runs included.", Timeseries, "reqps", 12, []Query{
			{rate("portcullis_admission_decisions_total", "", "verdict"), "{{verdict}}", []string{`{verdict="admitted"} > 0`, `{verdict="refused"} > 0`}},
		}},
		{"Refusals by rule", "Sentences a second by which rules refused.", Timeseries, "reqps", 12, []Query{
			{rate("portcullis_admission_findings_total", `enforcement="Deny"`, "rule"), "{{rule}}", []string{`{rule="cluster_ids"} > 0`, `{rule="restart_approval"} > 0`}},
		}},
		{"Time of a decision", "How long half, and ninety-nine in a hundred, of the decisions took at most.", Timeseries, "s", 12, []Query{
			{quantile("0.5", "portcullis_admission_duration_seconds", "webhook"), "{{webhook}} p50", []string{`{webhook="validate"} > 0`}},
			{quantile("0.99", "portcullis_admission_duration_seconds", "webhook"), "{{webhook}} p99", []string{`{webhook="validate"} > 0`, `{webhook="mutate"} > 0`}},
		}},
		{"Undecided", "Requests that were refused because the guard could not decide. It should be none.", Stat, "short", 6, []Query{
			{total("portcullis_admission_decisions_total", `verdict="undecided"`), "undecided", []string{`{} > 0`}},
		}},
		{"Refused", "Requests that rules refused.", Stat, "short", 6, []Query{
			{total("portcullis_admission_decisions_total", `verdict="refused"`), "refused", []string{`{} > 0`}},
		}},
	}}, {"Rules", []Panel{
		{"Rules in force", "How many rules each replica decides by.", Stat, "short", 6, []Query{
			{"min(" + ours("portcullis_rules_loaded", "") + ")", "rules", []string{`{} > 20`}},
		}},
		{"Revision", "The revision of the rules on each replica. There is one, but for the moment of a change.", Table, "short", 9, []Query{
			{"count by (revision) (" + ours("portcullis_rules_info", "") + ")", "{{revision}}", []string{`{} == 1`}},
		}},
		{"Reloads", "Sets of rules that came into force, or were refused while the last good one stayed.", Timeseries, "short", 9, []Query{
			{rises("portcullis_rules_reloads_total", "", "result"), "{{result}}", []string{`{result="swapped"} > 0`, `{result="refused"} > 0`}},
		}},
		{"Since the rules changed", "How long ago the rules in force came into force.", Stat, "s", 6, []Query{
			{"time() - max(" + ours("portcullis_rules_reload_timestamp_seconds", "") + ")", "age", []string{`{} > 0`, `{} < 3600`}},
		}},
		{"Since the bundle was checked", "How long ago the server of the bundle said that there is none newer; empty without a bundle.", Stat, "s", 6, []Query{
			{"time() - min(" + ours("portcullis_bundle_checked_timestamp_seconds", "") + ")", "age", []string{`{} > 0`}},
		}},
		{"Failures of the bundle", "How often the bundle could not be had, or was refused; empty without a bundle.", Timeseries, "short", 12, []Query{
			{rises("portcullis_bundle_failures_total", "", ""), "failures", []string{`{} > 0`}},
		}},
	}}, {"Approvals", []Panel{
		{"Approvals", "Changes that were refused for want of an approval, and approvals that were given, were used, or expired unused.", Stat, "short", 24, []Query{
			{total("portcullis_approvals_requested_total", ""), "requested", []string{`{} > 0`}},
			{total("portcullis_approvals_given_total", ""), "given", []string{`{} > 0`}},
			{total("portcullis_approvals_used_total", ""), "used", []string{`{} > 0`}},
			{total("portcullis_approvals_expired_total", ""), "expired", []string{`{} > 0`}},
		}},
	}}, {"Decision log", []Panel{
		{"Records", "Records of decisions, by the log they are for and by what became of them: sent, dropped for want of room, or failed.", Timeseries, "short", 24, []Query{
			{rises("portcullis_decision_log_records_total", "", "log, result"), "{{log}} {{result}}", []string{`{log="stdout",result="sent"} > 0`, `{log="collector",result="sent"} > 0`, `{log="collector",result="dropped"} > 0`}},
		}},
	}}, {"Certificates", []Panel{
		{"Until a certificate ends", "How long each certificate lasts. It is renewed after two thirds of its life.", Timeseries, "s", 24, []Query{
			{"min by (certificate) (" + ours("portcullis_certificate_expiry_timestamp_seconds", "") + ") - time()", "{{certificate}}", []string{`{} > 0`}},
		}},
	}}}
}
