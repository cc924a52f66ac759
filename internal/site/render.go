package site

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/chorsu/chorsu/docs"
	"github.com/chorsu/chorsu/internal/words"
)

// document is one page, in both its forms.
type document struct {
	docs.Page
	source   []byte
	html     string
	headings []heading // of the second and third level
}

// heading is a place on a page.
type heading struct {
	Level         int
	Title, Anchor string
}

// render makes a page's HTML. Raw HTML in the source is dropped: the pages need none.
func render(p docs.Page, source []byte) (document, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(links{p.Path}, 100))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(&blocks{}, 100))),
	)
	tree := md.Parser().Parse(text.NewReader(source))
	var b bytes.Buffer
	if err := md.Renderer().Render(&b, source, tree); err != nil {
		return document{}, err
	}
	return document{Page: p, source: source, html: b.String(), headings: headings(tree, source)}, nil
}

func headings(tree ast.Node, source []byte) (out []heading) {
	for n := tree.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || h.Level < 2 || h.Level > 3 {
			continue
		}
		anchor, _ := h.AttributeString("id")
		id, _ := anchor.([]byte)
		out = append(out, heading{h.Level, plain(h, source), string(id)})
	}
	return out
}

// plain is the text of a node and what is in it.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
			continue
		}
		b.WriteString(plain(c, source))
	}
	return b.String()
}

// links turns the links between files, which work where the sources are read, into links between
// pages. A file that is no page loses its link and keeps its words.
type links struct{ page string }

func (l links) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	var lost []*ast.Link
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		link, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		to := string(link.Destination)
		if strings.Contains(to, "://") || strings.HasPrefix(to, "#") || strings.HasPrefix(to, "/") || strings.HasPrefix(to, "mailto:") {
			return ast.WalkContinue, nil
		}
		file, anchor, _ := strings.Cut(to, "#")
		target, isPage := strings.CutSuffix(path.Join(path.Dir(l.page), file), ".md")
		for _, p := range docs.Contents {
			if isPage && p.Path == target {
				link.Destination = []byte("/docs/" + target)
				if anchor != "" {
					link.Destination = []byte("/docs/" + target + "#" + anchor)
				}
				return ast.WalkContinue, nil
			}
		}
		lost = append(lost, link)
		return ast.WalkContinue, nil
	})
	for _, link := range lost {
		parent := link.Parent()
		for child := link.FirstChild(); child != nil; child = link.FirstChild() {
			parent.InsertBefore(parent, link, child)
		}
		parent.RemoveChild(parent, link)
	}
}

// blocks draws samples with a copy button, and lets wide tables and samples be scrolled, by
// keyboard too.
type blocks struct{ samples int }

func (b *blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, b.sample)
	r.Register(ast.KindCodeBlock, b.sample)
	r.Register(extast.KindTable, b.table)
}

func (b *blocks) sample(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	b.samples++
	fmt.Fprintf(w, `<div class="sample"><pre tabindex="0"><code id="sample-%d">`, b.samples)
	lines := n.Lines()
	for i := range lines.Len() {
		line := lines.At(i)
		w.Write(util.EscapeHTML(line.Value(source)))
	}
	fmt.Fprintf(w, `</code></pre><button type="button" hidden class="button quiet small copy" data-copy="sample-%d" data-copied="%s">%s</button></div>`,
		b.samples, words.Copied.EN, words.Copy.EN)
	return ast.WalkSkipChildren, nil
}

func (b *blocks) table(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		w.WriteString(`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>` + "\n")
	} else {
		w.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}
