package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// tracing makes spans of requests and of calls to providers. Their attributes are written here
// one by one, and not by otelhttp, which also tells paths and whole addresses: a path may hold
// whatever a caller typed, and a provider's query its keys.
type tracing struct {
	tracer trace.Tracer
	on     bool
	names  map[string]bool // the providers' names, for the spans of their callbacks
}

// startTracing sends spans to OTEL_EXPORTER_OTLP_ENDPOINT; without it, nowhere.
func (a *App) startTracing(ctx context.Context) (*tracing, error) {
	t := &tracing{tracer: noop.NewTracerProvider().Tracer(""), names: map[string]bool{}}
	for _, p := range a.o.Providers {
		t.names[p.Provider.Info().Name] = true
	}
	if a.Config.OTLPEndpoint == "" {
		return t, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(string(a.Config.OTLPEndpoint)+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "chorsu"), attribute.String("service.version", a.version()),
		)),
	)
	a.closers = append(a.closers, func(ctx context.Context) error {
		// Where the collector does not answer, the last spans are not worth a slow stop.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			a.log.Warn("the last spans were not sent", "error", err)
		}
		return nil
	})
	t.tracer, t.on = provider.Tracer("github.com/chorsu/chorsu"), true
	return t, nil
}

// handler makes a span of each request, under the caller's own where it sends one.
func (t *tracing) handler(next http.Handler) http.Handler {
	if !t.on {
		return next
	}
	propagator := propagation.TraceContext{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		route := t.route(r.URL.Path)
		ctx, span := t.tracer.Start(ctx, method(r.Method)+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", method(r.Method)), attribute.String("http.route", route)))
		defer span.End()
		seen := &statusSeen{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", seen.status))
		if seen.status >= 500 {
			span.SetStatus(codes.Error, "")
		}
	})
}

// route is the part of a path that is our own words: its resource, and for callbacks the
// provider.
func (t *tracing) route(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) >= 3 && parts[0] == "api" && parts[1] == "callbacks" && t.names[parts[2]] {
		return "/api/callbacks/" + parts[2]
	}
	if len(parts) >= 2 && parts[0] == "api" {
		switch parts[1] {
		case "merchants", "invoices", "cards", "refunds", "callbacks":
			return "/api/" + parts[1]
		}
	}
	switch parts[0] {
	case "health", "livez", "readyz", "metrics", "pay", "docs", "sandbox":
		return "/" + parts[0]
	}
	return "other"
}

func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "OTHER"
}

// statusSeen remembers the status that was answered with.
type statusSeen struct {
	http.ResponseWriter
	status int
}

func (w *statusSeen) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusSeen) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// transport makes a span of each call to a provider. Nothing is added to the call itself.
func (t *tracing) transport(next http.RoundTripper) http.RoundTripper {
	if !t.on {
		return next
	}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		ctx, span := t.tracer.Start(r.Context(), "call "+r.URL.Hostname(), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("http.request.method", method(r.Method)), attribute.String("server.address", r.URL.Hostname())))
		defer span.End()
		res, err := next.RoundTrip(r.WithContext(ctx))
		if err != nil {
			span.SetStatus(codes.Error, "no answer")
			return res, err
		}
		span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
		return res, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
