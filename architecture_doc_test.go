package lsapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// identifier matches the names of Go code in documents: `decide`, `Service.Change`.
var identifier = regexp.MustCompile(`^([A-Za-z]\w*\.)?[A-Za-z]\w*$`)

func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	files, names := declared(t)
	found := 0
	for _, quoted := range regexp.MustCompile("`[^`\n]+`").FindAllString(string(text), -1) {
		word := strings.Trim(quoted, "`")
		switch {
		case strings.HasSuffix(word, ".go"):
			found++
			if !files[word] && !files["internal/"+word] {
				t.Errorf("there is no file %s", word)
			}
		case identifier.MatchString(word):
			found++
			if !names[word] && !files[word] && !files["internal/"+word] {
				t.Errorf("nothing is named %s", word)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d names are found", found)
	}
}

// declared returns the files and folders of the repository, and the names that its Go code
// declares; methods and fields also with their type.
func declared(t *testing.T) (files, names map[string]bool) {
	t.Helper()
	files, names = make(map[string]bool), make(map[string]bool)
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && file != "." {
			return filepath.SkipDir
		}
		files[file] = true
		if entry.IsDir() {
			names[entry.Name()] = true
		}
		if path.Ext(file) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			declare(names, parsed.Name.Name, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, names
}

func declare(names map[string]bool, pkg string, d ast.Decl) {
	add := func(owner, name string) {
		names[name], names[owner+"."+name] = true, true
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		owner := pkg
		if d.Recv != nil {
			owner = nameOf(d.Recv.List[0].Type)
		}
		add(owner, d.Name.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					add(pkg, name.Name)
				}
			case *ast.TypeSpec:
				add(pkg, spec.Name.Name)
				ast.Inspect(spec.Type, func(n ast.Node) bool {
					if field, ok := n.(*ast.Field); ok {
						for _, name := range field.Names {
							add(spec.Name.Name, name.Name)
						}
					}
					return true
				})
			}
		}
	}
}

// nameOf returns the name of a receiver's type.
func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return nameOf(x.X)
	case *ast.IndexExpr:
		return nameOf(x.X)
	case *ast.IndexListExpr:
		return nameOf(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// notInPicture are the packages of the service that the picture leaves out: the wiring, and
// what has no part in a request.
var notInPicture = []string{"app", "background", "clock", "coalesce", "config", "connlimit", "safefile", "sanitize", "systemd", "telemetry"}

// picture is the drawing of architecture.md.
type picture struct {
	// boxes has the packages of each box, and the boxes of each frame.
	boxes, frames map[string][]string
	arrows        map[[2]string]bool
}

var (
	boxForm   = regexp.MustCompile(`^(\w+)\[\(?"<b>[^<]*</b><br>([^"]*)"\)?\]$`)
	arrowForm = regexp.MustCompile(`^(\w+)(?:\(\(.*\)\))? (?:-->|==>|-\.->)(?:\|[^|]*\|)? (\w+)(?:\(\(.*\)\))?$`)
	frameForm = regexp.MustCompile(`^subgraph (\w+)\[`)
)

func readPicture(t *testing.T) picture {
	t.Helper()
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```mermaid\nflowchart TD\n")
	drawing, _, _ := strings.Cut(rest, "```")
	if !found {
		t.Fatal("architecture.md has no picture")
	}
	p := picture{boxes: make(map[string][]string), frames: make(map[string][]string), arrows: make(map[[2]string]bool)}
	frame := ""
	var drawn [][2]string
	for line := range strings.Lines(drawing) {
		line = strings.TrimSpace(line)
		if found := frameForm.FindStringSubmatch(line); found != nil {
			frame = found[1]
		} else if line == "end" {
			frame = ""
		} else if found := boxForm.FindStringSubmatch(line); found != nil {
			p.boxes[found[1]] = strings.Split(found[2], ", ")
			p.frames[frame] = append(p.frames[frame], found[1])
		} else if found := arrowForm.FindStringSubmatch(line); found != nil {
			drawn = append(drawn, [2]string{found[1], found[2]})
		} else {
			t.Errorf("the picture has a line that is neither box nor arrow: %s", line)
		}
	}
	for _, arrow := range drawn {
		from := []string{arrow[0]}
		if boxes, isFrame := p.frames[arrow[0]]; isFrame {
			from = boxes
		}
		for _, box := range from {
			if p.boxes[box] != nil && p.boxes[arrow[1]] != nil { // others are outside of the code
				p.arrows[[2]string{box, arrow[1]}] = true
			}
		}
	}
	return p
}

// boxOf returns the box of a package, empty for none.
func (p picture) boxOf(path string) string {
	for box, packages := range p.boxes {
		if among(folderOf(path), internal(packages)) != "" {
			return box
		}
	}
	return ""
}

func internal(packages []string) []string {
	folders := make([]string, len(packages))
	for i, name := range packages {
		folders[i] = "internal/" + name
	}
	return folders
}

func TestPictureHasTheArrowsOfTheCode(t *testing.T) {
	p := readPicture(t)
	calls := wiredCalls(t)
	for folder, imports := range importsByFolder(t) {
		for _, path := range imports {
			calls[[2]string{module + "/" + folder, path}] = true
		}
	}
	inCode := make(map[[2]string][]string)
	for call := range calls {
		if arrow := [2]string{p.boxOf(call[0]), p.boxOf(call[1])}; arrow[0] != "" && arrow[1] != "" && arrow[0] != arrow[1] {
			inCode[arrow] = append(inCode[arrow], folderOf(call[0])+" calls "+folderOf(call[1]))
		}
	}
	for arrow, why := range inCode {
		if !p.arrows[arrow] {
			t.Errorf("the picture lacks the arrow from %s to %s: %s", arrow[0], arrow[1], strings.Join(why, ", "))
		}
	}
	for arrow := range p.arrows {
		if inCode[arrow] == nil {
			t.Errorf("the picture has an arrow from %s to %s, which the code does not have", arrow[0], arrow[1])
		}
	}
	for _, path := range importsByFolder(t)["internal/app"] {
		if ours(path) && path != module && p.boxOf(path) == "" && among(folderOf(path), internal(notInPicture)) == "" {
			t.Errorf("%s is neither in the picture nor among the packages that it leaves out", path)
		}
	}
	if len(p.boxes) < 5 || len(p.arrows) < 20 {
		t.Errorf("the picture has only %d boxes and %d arrows", len(p.boxes), len(p.arrows))
	}
}

func TestArchitectureListsEveryPackage(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n## Packages\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	var listed []string
	for line := range strings.Lines(section) {
		names, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(names, -1) {
			listed = append(listed, quoted[1])
		}
	}
	for folder := range importsByFolder(t) {
		if folder != "." && among(folder, listed) == "" {
			t.Errorf("the table of packages lacks %s", folder)
		}
	}
}
