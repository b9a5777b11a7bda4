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
