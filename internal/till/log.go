package till

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/chorsu/chorsu/internal/till/terminal"
)

// discreet is a log that holds no card number: devices and companies put what they like into the
// errors that are logged here.
type discreet struct{ slog.Handler }

func (h discreet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, terminal.Mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(terminal.Mask(v.String()))
		case slog.KindAny:
			a.Value = slog.StringValue(terminal.Mask(fmt.Sprint(v.Any())))
		}
		out.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, out)
}

func (h discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return discreet{h.Handler.WithAttrs(attrs)}
}
func (h discreet) WithGroup(name string) slog.Handler { return discreet{h.Handler.WithGroup(name)} }
