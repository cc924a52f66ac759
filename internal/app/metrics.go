package app

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chorsu/chorsu/internal/evidence"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/store"
)

// metrics are the numbers of /metrics. Those that several processes share (outbox depth, oldest
// undelivered event) are read from the database when somebody asks; the rest is counted here.
// Labels are names from our own lists, never what a caller wrote.
type metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger

	payments   *prometheus.CounterVec
	refunds    *prometheus.CounterVec
	payouts    *prometheus.CounterVec
	calls      *prometheus.HistogramVec
	errors     *prometheus.CounterVec
	callbacks  *prometheus.HistogramVec
	deliveries *prometheus.CounterVec
	lag        prometheus.Histogram
}

// buckets are seconds, from a quick callback to a call that timed out.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}

func newMetrics(s *store.Store, ev *evidence.Recorder, log *slog.Logger) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	times := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		log:        log,
		payments:   counter("chorsu_payments_total", "Payments that came into a state, by provider.", "provider", "state"),
		refunds:    counter("chorsu_refunds_total", "Refunds that came into a state, by provider.", "provider", "state"),
		payouts:    counter("chorsu_payouts_total", "Payouts that came into a state, by provider.", "provider", "state"),
		calls:      times("chorsu_provider_call_seconds", "Our calls to providers.", "provider", "op", "outcome"),
		errors:     counter("chorsu_provider_errors_total", "Our calls to providers that brought no outcome, by kind.", "provider", "op", "kind"),
		callbacks:  times("chorsu_callback_seconds", "Providers' calls to us, by the HTTP status that we answered.", "provider", "status"),
		deliveries: counter("chorsu_webhook_tries_total", "Tries to deliver a webhook.", "result"),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chorsu_webhook_lag_seconds", Help: "From the event to its delivery.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 30, 60, 300, 1800, 7200, 86400},
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.payments, m.refunds, m.payouts, m.calls, m.errors, m.callbacks, m.deliveries, m.lag,
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "chorsu_provider_messages_dropped_total", Help: "Redacted provider messages that were forgotten because too many came.",
		}, func() float64 { return float64(ev.Dropped()) }),
		&storeCollector{store: s, log: log},
	)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

func (m *metrics) Payment(provider string, to pay.State) {
	m.payments.WithLabelValues(provider, string(to)).Inc()
}

func (m *metrics) Refund(provider string, to pay.MoveState) {
	m.refunds.WithLabelValues(provider, string(to)).Inc()
}

func (m *metrics) Payout(provider string, to pay.MoveState) {
	m.payouts.WithLabelValues(provider, string(to)).Inc()
}

func (m *metrics) ProviderCall(provider, op, outcome string, took time.Duration) {
	m.calls.WithLabelValues(provider, op, outcome).Observe(took.Seconds())
	if outcome != "ok" {
		m.errors.WithLabelValues(provider, op, outcome).Inc()
	}
}

func (m *metrics) Callback(provider string, status int, took time.Duration) {
	m.callbacks.WithLabelValues(provider, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) Delivery(delivered bool, sinceEvent time.Duration) {
	if !delivered {
		m.deliveries.WithLabelValues("failed").Inc()
		return
	}
	m.deliveries.WithLabelValues("delivered").Inc()
	m.lag.Observe(sinceEvent.Seconds())
}

// storeCollector reads from the database what all processes share.
type storeCollector struct {
	store *store.Store
	log   *slog.Logger
}

var (
	descWork     = prometheus.NewDesc("chorsu_outbox_work", "Rows of work in the outbox, by kind.", []string{"kind"}, nil)
	descOldest   = prometheus.NewDesc("chorsu_webhook_oldest_undelivered_timestamp_seconds", "When the oldest event was made that is neither delivered nor given up; 0: none.", nil, nil)
	descUnknown  = prometheus.NewDesc("chorsu_payments_unknown", "Payments whose outcome is not known.", nil, nil)
	descRefunds  = prometheus.NewDesc("chorsu_refunds_unknown", "Refunds whose outcome is not known.", nil, nil)
	descPayouts  = prometheus.NewDesc("chorsu_payouts_unknown", "Payouts whose outcome is not known.", nil, nil)
	descStuck    = prometheus.NewDesc("chorsu_webhook_stuck", "Events whose fast retries have all failed.", nil, nil)
	descAlarms   = prometheus.NewDesc("chorsu_alarms_open", "What waits for a person.", nil, nil)
	descFailing  = prometheus.NewDesc("chorsu_outbox_failing", "Work that has failed five times or more in a row.", nil, nil)
	descReadable = prometheus.NewDesc("chorsu_database_up", "Whether the database answered this scrape.", nil, nil)
)

func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descWork, descOldest, descUnknown, descRefunds, descPayouts, descStuck, descAlarms, descFailing, descReadable} {
		ch <- d
	}
}

func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	var s store.Stats
	err := c.store.View(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = tx.Stats(ctx)
		return err
	})
	if err != nil {
		c.log.Error("metrics could not read the database", "error", err)
		gauge(descReadable, 0)
		return
	}
	gauge(descReadable, 1)
	for kind, n := range s.Work {
		gauge(descWork, float64(n), kind)
	}
	oldest := 0.0
	if !s.OldestUndelivered.IsZero() {
		oldest = float64(s.OldestUndelivered.UnixMilli()) / 1000
	}
	gauge(descOldest, oldest)
	gauge(descUnknown, float64(s.UnknownPayments))
	gauge(descRefunds, float64(s.UnknownRefunds))
	gauge(descPayouts, float64(s.UnknownPayouts))
	gauge(descStuck, float64(s.StuckEvents))
	gauge(descAlarms, float64(s.OpenAlarms))
	gauge(descFailing, float64(s.Failing))
}
