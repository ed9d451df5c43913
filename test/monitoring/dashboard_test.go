package monitoring_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"portcullis.dev/portcullis/tools/dashboard/board"
)

// dashboard is Grafana's dashboard as its published schema has it (kinds/dashboard/dashboard_kind.cue), as far as ours
// uses it. It is read strictly: what is not here is not to be in the file.
type dashboard struct {
	UID           *string
	Title         *string
	Description   *string
	Tags          []string
	SchemaVersion *uint16
	Editable      *bool
	GraphTooltip  *uint8
	Refresh       *string
	Time          *struct{ From, To string }
	Timezone      *string
	Templating    *struct{ List []variable }
	Panels        []panel
}

// variable is one of the schema's #VariableModel.
type variable struct {
	Name, Label, Type, Query, AllValue string
	Datasource                         *source
	Refresh                            *uint8
	Multi, IncludeAll                  bool
}

// source is one of the schema's #DataSourceRef.
type source struct{ Type, UID string }

// panel is one of the schema's #Panel or #RowPanel.
type panel struct {
	ID                       uint32
	Type, Title, Description string
	GridPos                  *struct{ H, W, X, Y uint32 }
	Collapsed                *bool
	Datasource               *source
	FieldConfig              *struct {
		Defaults struct {
			Unit string
			Min  *float64
		}
		Overrides []json.RawMessage
	}
	Options *struct {
		ReduceOptions *struct{ Calcs []string }
	}
	Targets []target
}

// target is one query of Prometheus' data source.
type target struct {
	RefID, Expr, LegendFormat, Format string
	Instant, Range                    bool
	Datasource                        *source
}

// shown is the dashboard in the chart's ConfigMap.
func shown(t *testing.T, use tools) dashboard {
	t.Helper()
	object := struct {
		APIVersion string
		Kind       string
		Metadata   struct {
			Name, Namespace     string
			Labels, Annotations map[string]string
		}
		Data map[string]string
	}{}
	use.render(t, "dashboard.yaml", &object, "--set", "dashboard.namespace=grafana", "--set", "dashboard.annotations.folder=Mesh")
	if at := object.Metadata; at.Namespace != "grafana" || at.Labels["grafana_dashboard"] != "1" || at.Annotations["folder"] != "Mesh" {
		t.Errorf("the ConfigMap is %+v", at)
	}
	decoder := json.NewDecoder(strings.NewReader(object.Data["portcullis.json"]))
	decoder.DisallowUnknownFields()
	out := dashboard{}
	if err := decoder.Decode(&out); err != nil {
		t.Fatalf("reading the dashboard: %v", err)
	}
	return out
}

func TestTheDashboardIsOneThatGrafanaTakes(t *testing.T) {
	d := shown(t, provide(t))
	if d.UID == nil || len(*d.UID) < 8 || len(*d.UID) > 40 || d.Title == nil || d.SchemaVersion == nil || *d.SchemaVersion < 36 ||
		d.Editable == nil || d.GraphTooltip == nil || *d.GraphTooltip > 2 || d.Time == nil || d.Time.From == "" || d.Time.To == "" {
		t.Errorf("the dashboard itself is %+v", d)
	}
	names := map[string]string{}
	for _, variable := range d.Templating.List {
		names[variable.Name] = variable.Type
		if variable.Query == "" || variable.Refresh == nil || *variable.Refresh > 2 {
			t.Errorf("variable %s is %+v", variable.Name, variable)
		}
	}
	if names["datasource"] != "datasource" || names["namespace"] != "query" {
		t.Errorf("the variables are %v, want those that the panels use", names)
	}
	ids, taken := map[uint32]bool{}, map[string]string{}
	for _, panel := range d.Panels {
		if panel.ID == 0 || ids[panel.ID] {
			t.Errorf("%s: the ID %d must be its own, and not 0", panel.Title, panel.ID)
		}
		ids[panel.ID] = true
		expectPlace(t, panel, taken)
		expectContent(t, panel)
	}
}

// expectPlace holds a panel to the grid, and to a place of its own.
func expectPlace(t *testing.T, panel panel, taken map[string]string) {
	t.Helper()
	at := panel.GridPos
	if at == nil || at.H == 0 || at.W == 0 || at.W > 24 || at.X >= 24 || at.X+at.W > 24 {
		t.Errorf("%s: is at %+v, which is not on the grid", panel.Title, at)
		return
	}
	for x := at.X; x < at.X+at.W; x++ {
		for y := at.Y; y < at.Y+at.H; y++ {
			cell := fmt.Sprint(x, ",", y)
			if other := taken[cell]; other != "" {
				t.Errorf("%s: is where %s is", panel.Title, other)
				return
			}
			taken[cell] = panel.Title
		}
	}
}

// expectContent holds a panel to what its type needs.
func expectContent(t *testing.T, panel panel) {
	t.Helper()
	if panel.Type == "row" {
		if panel.Title == "" || panel.Collapsed == nil || *panel.Collapsed || len(panel.Targets) > 0 {
			t.Errorf("row %q is %+v", panel.Title, panel)
		}
		return
	}
	if !slices.Contains([]string{"timeseries", "stat", "table"}, panel.Type) || panel.Title == "" || panel.Description == "" || panel.FieldConfig == nil ||
		panel.FieldConfig.Defaults.Unit == "" || panel.FieldConfig.Overrides == nil || !fromPrometheus(panel.Datasource) || len(panel.Targets) == 0 {
		t.Errorf("panel %q is %+v", panel.Title, panel)
	}
	refs := map[string]bool{}
	for _, target := range panel.Targets {
		if target.RefID == "" || refs[target.RefID] || target.Expr == "" || target.LegendFormat == "" || !fromPrometheus(target.Datasource) || target.Instant == target.Range {
			t.Errorf("panel %q: a target is %+v", panel.Title, target)
		}
		refs[target.RefID] = true
	}
}

// fromPrometheus says whether a source is the Prometheus that people choose.
func fromPrometheus(from *source) bool {
	return from != nil && *from == source{Type: "prometheus", UID: "${datasource}"}
}

func TestEachQueryOfTheDashboardIsPromQL(t *testing.T) {
	use, file := provide(t), ruleFile{}
	file.Groups = make([]struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	}, 1)
	file.Groups[0].Name = "panels"
	for _, panel := range shown(t, use).Panels {
		for _, target := range panel.Targets {
			file.Groups[0].Rules = append(file.Groups[0].Rules, rule{Alert: panel.Title + target.RefID, Expr: chosen(target.Expr), For: "0s"})
		}
	}
	if len(file.Groups[0].Rules) < 25 {
		t.Errorf("saw %d queries, want all of them", len(file.Groups[0].Rules))
	}
	out, err := exec.CommandContext(t.Context(), use.promtool, "check", "rules", write(t, t.TempDir(), "panels.yaml", file)).CombinedOutput()
	if err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// chosen is a query as Grafana sends it when the variables are chosen.
func chosen(expr string) string {
	return strings.NewReplacer("$namespace", ".*", "$__rate_interval", "15m", "$__range", "15m").Replace(expr)
}

func TestThereIsNoPanelOfWhichNobodyKnowsWhatItShows(t *testing.T) {
	for _, row := range board.Rows() {
		for _, panel := range row.Panels {
			for _, query := range panel.Queries {
				for _, text := range query.Shows {
					if _, err := readShown(text); err != nil {
						t.Errorf("%s: %v", panel.Title, err)
					}
				}
				if len(query.Shows) == 0 {
					t.Errorf("%s: nobody says what %s shows after the incident", panel.Title, query.Expr)
				}
			}
		}
	}
}

func TestTheDashboardInTheChartIsTheOneInTheTable(t *testing.T) {
	file, err := os.ReadFile(chart + "/files/dashboards/portcullis.json")
	if err != nil {
		t.Fatal(err)
	}
	written, err := exec.CommandContext(t.Context(), "go", "run", "../../tools/dashboard").Output()
	if err != nil {
		t.Fatalf("writing the dashboard: %v\n%s", err, said(err))
	}
	if !bytes.Equal(file, written) {
		t.Error("the dashboard is stale (run: make generate)")
	}
}
