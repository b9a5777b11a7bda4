package lsapi_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wiring finds, in package app, which package calls which through an interface or a
// function that app passes to it.
type wiring struct {
	pkg  *types.Package
	info *types.Info
	// held has the expressions that are assigned to a variable, a parameter or a field of
	// package app, and those that are returned by its functions and put into its maps.
	held map[any][]ast.Expr
	// calls has the calls found: from the path of the caller's package to that of the callee's.
	calls map[[2]string]bool
	// visiting guards against circles.
	visiting map[any]bool
}

// wiredCalls returns the calls between packages that package app connects.
func wiredCalls(t *testing.T) map[[2]string]bool {
	t.Helper()
	const folder = "internal/app"
	list := exec.CommandContext(t.Context(), "go", "list", "-race", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./"+folder)
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := make(map[string]string)
	for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
		name, file, _ := strings.Cut(lines.Text(), "\t")
		exports[name] = file
	}
	paths, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	w := &wiring{
		info:  &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Defs: make(map[*ast.Ident]types.Object), Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection)},
		held:  make(map[any][]ast.Expr),
		calls: make(map[[2]string]bool), visiting: make(map[any]bool),
	}
	if w.pkg, err = config.Check("lsapi/"+folder, set, files, w.info); err != nil {
		t.Fatal(err)
	}
	var passed []passing
	for _, file := range files {
		passed = append(passed, w.collect(file)...)
	}
	for _, p := range passed {
		for provider := range w.providers(p.value) {
			w.calls[[2]string{p.to, provider}] = true
		}
	}
	return w.calls
}

// passing is an expression that is passed to a package.
type passing struct {
	to    string
	value ast.Expr
}

// collect notes what app's own variables hold, and returns what is passed to others.
func (w *wiring) collect(file *ast.File) (passed []passing) {
	pass := func(owner types.Object, target types.Type, value ast.Expr) {
		if owner == nil || value == nil {
			return
		}
		w.held[owner] = append(w.held[owner], value)
		if owner.Pkg() != nil && owner.Pkg() != w.pkg && isAbstract(target) {
			passed = append(passed, passing{owner.Pkg().Path(), value})
		}
	}
	var function []types.Object
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			function = []types.Object{w.info.Defs[n.Name]}
		case *ast.ReturnStmt:
			for _, value := range n.Results {
				if len(function) > 0 {
					w.held[function[0]] = append(w.held[function[0]], value)
				}
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if len(n.Rhs) == len(n.Lhs) {
					pass(w.object(left), w.info.TypeOf(left), n.Rhs[i])
				} else {
					pass(w.object(left), w.info.TypeOf(left), n.Rhs[0])
				}
			}
		case *ast.CompositeLit:
			w.literal(n, pass)
		case *ast.CallExpr:
			w.arguments(n, pass)
		}
		return true
	})
	return passed
}

// literal passes the elements of a composite literal.
func (w *wiring) literal(n *ast.CompositeLit, pass func(types.Object, types.Type, ast.Expr)) {
	literal := w.info.TypeOf(n)
	structure, isStruct := literal.Underlying().(*types.Struct)
	for i, element := range n.Elts {
		pair, isPair := element.(*ast.KeyValueExpr)
		switch {
		case isStruct && isPair:
			field := w.info.Uses[pair.Key.(*ast.Ident)]
			pass(field, field.Type(), pair.Value)
		case isStruct:
			pass(structure.Field(i), structure.Field(i).Type(), element)
		case isPair:
			element = pair.Value
			fallthrough
		default:
			if named := named(literal); named != nil {
				w.held[named.Obj()] = append(w.held[named.Obj()], element)
			}
		}
	}
}

// arguments passes the arguments of a call.
func (w *wiring) arguments(n *ast.CallExpr, pass func(types.Object, types.Type, ast.Expr)) {
	signature, ok := w.info.TypeOf(n.Fun).Underlying().(*types.Signature)
	callee := w.object(n.Fun)
	if !ok || callee == nil {
		return
	}
	for i, argument := range n.Args {
		parameter := signature.Params().At(min(i, signature.Params().Len()-1))
		target := parameter.Type()
		if signature.Variadic() && i >= signature.Params().Len()-1 {
			if slice, ok := target.(*types.Slice); ok {
				target = slice.Elem()
			}
		}
		if callee.Pkg() == w.pkg {
			w.held[parameter] = append(w.held[parameter], argument)
		} else if callee.Pkg() != nil {
			pass(types.NewVar(token.NoPos, callee.Pkg(), "", target), target, argument)
		}
	}
}

// object returns what an expression names; nil if it names nothing.
func (w *wiring) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if found := w.info.Defs[e]; found != nil {
			return found
		}
		return w.info.Uses[e]
	case *ast.SelectorExpr:
		return w.info.Uses[e.Sel]
	case *ast.StarExpr:
		return w.object(e.X)
	}
	return nil
}

// providers returns the packages that are called through a value.
func (w *wiring) providers(e ast.Expr) map[string]bool {
	found := make(map[string]bool)
	if w.visiting[e] {
		return found
	}
	w.visiting[e] = true
	defer delete(w.visiting, e)
	e = ast.Unparen(e)
	if literal, ok := e.(*ast.FuncLit); ok {
		ast.Inspect(literal.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				w.add(found, w.callee(call.Fun))
			}
			return true
		})
		return found
	}
	if call, ok := e.(*ast.CallExpr); ok {
		if _, several := w.info.TypeOf(e).(*types.Tuple); several || isAbstract(w.info.TypeOf(e)) {
			return w.holders(w.object(call.Fun))
		}
	}
	if _, isFunc := w.info.TypeOf(e).Underlying().(*types.Signature); isFunc {
		w.add(found, w.callee(e))
		return found
	}
	if isAbstract(w.info.TypeOf(e)) {
		return w.holders(w.object(e))
	}
	return w.ofType(w.info.TypeOf(e))
}

// callee returns the packages that a function belongs to.
func (w *wiring) callee(f ast.Expr) map[string]bool {
	if selector, ok := ast.Unparen(f).(*ast.SelectorExpr); ok {
		if selection := w.info.Selections[selector]; selection != nil {
			if isAbstract(selection.Recv()) {
				return w.providers(selector.X)
			}
			if owner := selection.Obj().Pkg(); selection.Kind() == types.MethodVal && owner != w.pkg {
				return map[string]bool{pathOf(owner): true}
			}
			return w.ofType(selection.Recv())
		}
	}
	o := w.object(f)
	if o == nil || o.Pkg() == nil {
		return nil
	}
	if o.Pkg() != w.pkg {
		return map[string]bool{pathOf(o.Pkg()): true}
	}
	return w.holders(o)
}

// holders returns the packages of what a variable or a result can be.
func (w *wiring) holders(o types.Object) map[string]bool {
	found := make(map[string]bool)
	if o == nil || w.visiting[o] {
		return found
	}
	w.visiting[o] = true
	defer delete(w.visiting, o)
	if function, ok := o.(*types.Func); ok && function.Pkg() != w.pkg && function.Pkg() != nil {
		found[pathOf(function.Pkg())] = true
	}
	for _, value := range w.held[o] {
		w.add(found, w.providers(value))
	}
	return found
}

// ofType returns the packages that a concrete type belongs to: its own, or for a type of app
// those of its fields and elements.
func (w *wiring) ofType(t types.Type) map[string]bool {
	found := make(map[string]bool)
	n := named(t)
	if n == nil || n.Obj().Pkg() == nil {
		return found
	}
	if n.Obj().Pkg() != w.pkg {
		found[pathOf(n.Obj().Pkg())] = true
		return found
	}
	if w.visiting[n.Obj()] {
		return found
	}
	w.visiting[n.Obj()] = true
	defer delete(w.visiting, n.Obj())
	switch under := n.Underlying().(type) {
	case *types.Struct:
		for field := range under.Fields() {
			if isAbstract(field.Type()) {
				w.add(found, w.holders(field))
			} else {
				w.add(found, w.ofType(field.Type()))
			}
		}
	case *types.Map:
		w.add(found, w.ofType(under.Elem()))
	case *types.Slice:
		w.add(found, w.ofType(under.Elem()))
	}
	for _, element := range w.held[n.Obj()] {
		w.add(found, w.providers(element))
	}
	return found
}

func (w *wiring) add(to, from map[string]bool) {
	for name := range from {
		to[name] = true
	}
}

func pathOf(p *types.Package) string { return p.Path() }

// isAbstract reports whether values of a type can belong to any package.
func isAbstract(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Interface, *types.Signature:
		return true
	}
	return false
}

// named returns the named type of a value or of what it points to.
func named(t types.Type) *types.Named {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		t = pointer.Elem()
	}
	n, _ := types.Unalias(t).(*types.Named)
	return n
}
