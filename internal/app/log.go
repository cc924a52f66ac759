package app

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"github.com/chorsu/chorsu/internal/config"
	"github.com/chorsu/chorsu/internal/httpapi"
)

// NewLogger writes the program's log: JSON, or text on a terminal unless LOG_FORMAT says
// otherwise. Every line of a request carries the request's id, and the trace's where there is
// one.
func NewLogger(w io.Writer, cfg config.Config, terminal bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if cfg.LogFormat == "text" || cfg.LogFormat == "" && terminal {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(withRequest{h})
}

type withRequest struct{ slog.Handler }

func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if id := httpapi.RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		r.AddAttrs(slog.String("trace", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}

func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}
