package ui

import (
	"fmt"
	"strings"

	"github.com/skip2/go-qrcode"
)

// maxQR is the longest text a QR is drawn for: more does not scan well from a screen.
const maxQR = 1200

// qrPath draws text as the path of an SVG, one unit a module, and gives its side. "" where the
// text is too long to scan.
func qrPath(text string) (d string, side int) {
	if len(text) > maxQR {
		return "", 0
	}
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", 0
	}
	q.DisableBorder = true
	bits := q.Bitmap()
	var b strings.Builder
	for y, line := range bits {
		for x := 0; x < len(line); x++ {
			if !line[x] {
				continue
			}
			n := 1
			for x+n < len(line) && line[x+n] {
				n++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, n, n)
			x += n
		}
	}
	return b.String(), len(bits)
}
