package main

import (
	"fmt"

	"portcullis.dev/portcullis/tools/dashboard/board"
)

// schemaVersion is that of Grafana 11; newer ones take it, and bring it up to date by themselves.
const schemaVersion = 39

// columns is how wide Grafana's grid is, and height how high a panel is on it.
const (
	columns = 24
	height  = 7
)

// dashboard is Grafana's JSON, as far as there is a use for it here.
type dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	GraphTooltip  int        `json:"graphTooltip"`
	Refresh       string     `json:"refresh"`
	Time          span       `json:"time"`
	Timezone      string     `json:"timezone"`
	Templating    templating `json:"templating"`
	Panels        []panel    `json:"panels"`
}

// span is what is looked at when nobody says otherwise.
type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// templating holds the variables.
type templating struct {
	List []variable `json:"list"`
}

// variable is what people choose above the panels.
type variable struct {
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Type       string  `json:"type"`
	Query      string  `json:"query"`
	Datasource *source `json:"datasource,omitempty"`
	Refresh    int     `json:"refresh"`
	Multi      bool    `json:"multi"`
	IncludeAll bool    `json:"includeAll"`
	AllValue   string  `json:"allValue,omitempty"`
}

// source names the Prometheus that is asked.
type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// panel is a picture, or the heading of a row.
type panel struct {
	ID          int          `json:"id"`
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	GridPos     gridPos      `json:"gridPos"`
	Collapsed   *bool        `json:"collapsed,omitempty"`
	Panels      []panel      `json:"panels,omitempty"`
	Datasource  *source      `json:"datasource,omitempty"`
	FieldConfig *fieldConfig `json:"fieldConfig,omitempty"`
	Options     *options     `json:"options,omitempty"`
	Targets     []target     `json:"targets,omitempty"`
}

// gridPos is where a panel is.
type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// fieldConfig says how values are written.
type fieldConfig struct {
	Defaults  fieldDefaults `json:"defaults"`
	Overrides []struct{}    `json:"overrides"`
}

// fieldDefaults are those of all values.
type fieldDefaults struct {
	Unit string `json:"unit"`
	Min  *int   `json:"min,omitempty"`
}

// options are those of stats.
type options struct {
	ReduceOptions *reduceOptions `json:"reduceOptions,omitempty"`
}

// reduceOptions say which of several values is shown.
type reduceOptions struct {
	Calcs []string `json:"calcs"`
}

// target is one query.
type target struct {
	RefID        string  `json:"refId"`
	Datasource   *source `json:"datasource"`
	Expr         string  `json:"expr"`
	LegendFormat string  `json:"legendFormat"`
	Instant      bool    `json:"instant"`
	Range        bool    `json:"range"`
	Format       string  `json:"format"`
}

// prometheus is the one that people choose.
func prometheus() *source {
	return &source{Type: "prometheus", UID: "${datasource}"}
}

// newDashboard lays the rows out.
func newDashboard(rows []board.Row) dashboard {
	return dashboard{
		UID:           "portcullis",
		Title:         "Portcullis",
		Description:   "What the guard decides, how gateways are, and whether guard and controller are well.",
		Tags:          []string{"portcullis", "istio"},
		SchemaVersion: schemaVersion,
		Editable:      true,
		// One crosshair for all panels.
		GraphTooltip: 1,
		Refresh:      "30s",
		Time:         span{From: "now-6h", To: "now"},
		Timezone:     "browser",
		Templating: templating{List: []variable{
			{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus", Refresh: 1},
			{
				Name: "namespace", Label: "Namespace of Portcullis", Type: "query", Datasource: prometheus(), Refresh: 2,
				Query: "label_values(portcullis_rules_loaded, namespace)", Multi: true, IncludeAll: true, AllValue: ".*",
			},
		}},
		Panels: layOut(rows),
	}
}

// layOut puts panels beside each other while there is room, and below otherwise.
func layOut(rows []board.Row) []panel {
	var out []panel
	y := 0
	for _, row := range rows {
		out = append(out, panel{ID: len(out) + 1, Type: "row", Title: row.Title, Collapsed: new(bool), GridPos: gridPos{H: 1, W: columns, Y: y}})
		y++
		x := 0
		for _, one := range row.Panels {
			if x+one.Width > columns {
				x, y = 0, y+height
			}
			out = append(out, picture(len(out)+1, one, gridPos{H: height, W: one.Width, X: x, Y: y}))
			x += one.Width
		}
		y += height
	}
	return out
}

// picture is a panel as Grafana takes it.
func picture(id int, from board.Panel, at gridPos) panel {
	out := panel{
		ID: id, Type: string(from.Kind), Title: from.Title, Description: from.Description, GridPos: at, Datasource: prometheus(),
		FieldConfig: &fieldConfig{Defaults: fieldDefaults{Unit: from.Unit}, Overrides: []struct{}{}},
	}
	if from.Kind == board.Timeseries {
		out.FieldConfig.Defaults.Min = new(int)
	}
	if from.Kind == board.Stat {
		out.Options = &options{ReduceOptions: &reduceOptions{Calcs: []string{"lastNotNull"}}}
	}
	for i, query := range from.Queries {
		to := target{RefID: fmt.Sprintf("%c", 'A'+i), Datasource: prometheus(), Expr: query.Expr, LegendFormat: query.Legend, Range: true, Format: "time_series"}
		if from.Kind != board.Timeseries {
			to.Instant, to.Range = true, false
		}
		if from.Kind == board.Table {
			to.Format = "table"
		}
		out.Targets = append(out.Targets, to)
	}
	return out
}
