package wire

import (
	"net/url"
	"slices"
	"testing"
)

func TestQueryListIsOrderedByIndex(t *testing.T) {
	for name, c := range map[string]struct {
		form string
		want []string
	}{
		"in order":            {"L.1=a&L.2=b&L.3=c", []string{"a", "b", "c"}},
		"out of order":        {"L.10=c&L.9=b&L.2=a", []string{"a", "b", "c"}},
		"with a gap":          {"L.1=a&L.7=b", []string{"a", "b"}},
		"indexes from 1 on":   {"L.0=x&L.-1=x&L.1=a", []string{"a"}},
		"no index":            {"L=x&L.=x&L.one=x&Lx.1=x", []string{}},
		"beyond any number":   {"L.99999999999999999999=x", []string{}},
		"an empty value":      {"L.1=&L.2=b", []string{"", "b"}},
		"fields, not values":  {"L.1.Name=x", []string{}},
		"another list inside": {"L.1=a&M.L.1=x", []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			values, err := url.ParseQuery(c.form)
			if err != nil {
				t.Fatal(err)
			}
			if got := Query(values).List("L"); !slices.Equal(got, c.want) {
				t.Errorf("%s reads as %q, want %q", c.form, got, c.want)
			}
		})
	}
}

func TestQueryElementsGroupFields(t *testing.T) {
	values, err := url.ParseQuery("F.2.Name=b&F.1.Value.2=y&F.1.Name=a&F.1.Value.1=x")
	if err != nil {
		t.Fatal(err)
	}
	elements := Query(values).Elements("F")
	if len(elements) != 2 || elements[0].Text("Name") != "a" || elements[1].Text("Name") != "b" {
		t.Fatalf("elements %v", elements)
	}
	if got := elements[0].List("Value"); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("values %v, want x and y", got)
	}
}
