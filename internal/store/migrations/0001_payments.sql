-- +goose Up
-- One text for SQLite and PostgreSQL. Times are milliseconds since 1970 UTC, 0 or NULL as said;
-- amounts are tiyin; ids are UUIDv7 as text; JSON is text. Every table that grows with payments
-- carries business_id: no transaction spans two businesses.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE businesses (
    id         TEXT PRIMARY KEY,
    source     TEXT NOT NULL,
    key        TEXT NOT NULL, -- the app's own id: businessId in the API
    created_at BIGINT NOT NULL,
    UNIQUE (source, key)
);

CREATE TABLE merchants (
    id           TEXT PRIMARY KEY,
    business_id  TEXT NOT NULL REFERENCES businesses (id),
    provider     TEXT NOT NULL,
    display_name TEXT NOT NULL DEFAULT '',
    active       BOOLEAN NOT NULL,
    sealed       TEXT NOT NULL, -- credentials and secret options, encrypted, base64
    options      TEXT NOT NULL DEFAULT '{}',
    route        TEXT NOT NULL DEFAULT '', -- what the company's messages name it by, where they do
    version      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    UNIQUE (business_id, provider)
);
CREATE INDEX merchants_route ON merchants (provider, route) WHERE route <> '';
CREATE INDEX merchants_newest ON merchants (created_at, id);

CREATE TABLE invoices (
    id                TEXT PRIMARY KEY,
    business_id       TEXT NOT NULL REFERENCES businesses (id),
    source            TEXT NOT NULL, -- the business's, once more: an app lists its invoices by it
    provider          TEXT NOT NULL DEFAULT '', -- '' = any active one of the business
    source_invoice_id TEXT NOT NULL,
    pay_number        TEXT NOT NULL,
    amount            BIGINT NOT NULL CHECK (amount >= 100 AND amount <= 1000000000000),
    status            TEXT NOT NULL CHECK (status IN ('pending', 'held', 'paid', 'refunded', 'failed', 'cancelled')),
    attention         TEXT NOT NULL DEFAULT '',
    details           TEXT NOT NULL, -- what the caller gave and no query asks for: JSON
    checkout_url      TEXT NOT NULL DEFAULT '',
    deeplink          TEXT NOT NULL DEFAULT '',
    notify_delivered  BOOLEAN NOT NULL DEFAULT TRUE,
    created_at        BIGINT NOT NULL,
    paid_at           BIGINT NOT NULL DEFAULT 0,
    ended_at          BIGINT NOT NULL DEFAULT 0,
    expires_at        BIGINT NOT NULL,
    check_at          BIGINT NOT NULL -- when to look whether it can expire: expires_at, or later while an attempt is open
);
-- Money is asked for once per order.
CREATE UNIQUE INDEX invoices_one_open ON invoices (business_id, source_invoice_id) WHERE status NOT IN ('cancelled', 'failed');
CREATE UNIQUE INDEX invoices_pay_number ON invoices (business_id, pay_number);
CREATE INDEX invoices_order ON invoices (business_id, source_invoice_id, created_at, id);
CREATE INDEX invoices_newest ON invoices (created_at, id);
CREATE INDEX invoices_of_source ON invoices (source, created_at, id);
CREATE INDEX invoices_of_business ON invoices (business_id, created_at, id);
CREATE INDEX invoices_find_pay_number ON invoices (pay_number, created_at, id);
CREATE INDEX invoices_find_order ON invoices (source_invoice_id, created_at, id);
CREATE INDEX invoices_to_expire ON invoices (check_at) WHERE status = 'pending';
CREATE INDEX invoices_attention ON invoices (created_at, id) WHERE attention <> '';
CREATE INDEX invoices_undelivered ON invoices (created_at, id) WHERE NOT notify_delivered;

CREATE TABLE payments (
    id          TEXT PRIMARY KEY,
    invoice_id  TEXT NOT NULL REFERENCES invoices (id),
    business_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    provider    TEXT NOT NULL,
    ref         TEXT, -- the provider's id; NULL until known
    account     TEXT NOT NULL DEFAULT '',
    amount      BIGINT NOT NULL CHECK (amount > 0),
    captured    BIGINT NOT NULL DEFAULT 0 CHECK (captured >= 0 AND captured <= amount),
    refunded    BIGINT NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    reserved    BIGINT NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    state       TEXT NOT NULL CHECK (state IN ('created', 'unknown', 'held', 'paid', 'refunded', 'failed', 'cancelled')),
    reason      TEXT NOT NULL DEFAULT '',
    their_time  BIGINT NOT NULL DEFAULT 0,
    expires_at  BIGINT NOT NULL DEFAULT 0, -- 0: never
    on_expiry   TEXT NOT NULL DEFAULT '',
    lapse_note  TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    held_at     BIGINT NOT NULL DEFAULT 0,
    paid_at     BIGINT NOT NULL DEFAULT 0,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    card_pan    TEXT NOT NULL DEFAULT '', -- masked
    card_system TEXT NOT NULL DEFAULT '',
    card_token  TEXT NOT NULL DEFAULT '', -- sealed
    page_url    TEXT NOT NULL DEFAULT '',
    receipt_url TEXT NOT NULL DEFAULT '',
    fiscal      TEXT NOT NULL DEFAULT '' CHECK (fiscal IN ('', 'pending', 'sent', 'done', 'failed')),
    meta        TEXT NOT NULL DEFAULT '',
    UNIQUE (merchant_id, ref),
    CHECK (refunded + reserved <= captured),
    CHECK (state <> 'paid' OR captured > 0),
    CHECK (state <> 'refunded' OR refunded = captured AND captured > 0)
);
-- Money moves once per invoice.
CREATE UNIQUE INDEX payments_one_live ON payments (invoice_id) WHERE state IN ('held', 'paid', 'unknown', 'refunded');
CREATE INDEX payments_of_invoice ON payments (invoice_id, created_at, id);
CREATE INDEX payments_statement ON payments (merchant_id, their_time, id) WHERE their_time > 0;
CREATE INDEX payments_find_ref ON payments (ref);
CREATE INDEX payments_unknown ON payments (created_at, id) WHERE state = 'unknown';

CREATE TABLE refunds (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    invoice_id  TEXT NOT NULL REFERENCES invoices (id),
    payment_id  TEXT NOT NULL REFERENCES payments (id),
    amount      BIGINT NOT NULL CHECK (amount > 0),
    state       TEXT NOT NULL CHECK (state IN ('created', 'sent', 'unknown', 'succeeded', 'failed')),
    reason      TEXT NOT NULL DEFAULT '',
    ref         TEXT NOT NULL DEFAULT '',
    code        TEXT NOT NULL DEFAULT '',
    note        TEXT NOT NULL DEFAULT '',
    theirs      BOOLEAN NOT NULL DEFAULT FALSE,
    whole       BOOLEAN NOT NULL DEFAULT FALSE,
    lines       TEXT NOT NULL DEFAULT '',
    before      BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL DEFAULT 0,
    done_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX refunds_of_invoice ON refunds (invoice_id, created_at, id);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
-- One refund of a payment is under way at a time.
CREATE UNIQUE INDEX refunds_one_underway ON refunds (payment_id) WHERE state IN ('created', 'sent', 'unknown');

CREATE TABLE events (
    id                TEXT PRIMARY KEY,
    business_id       TEXT NOT NULL,
    invoice_id        TEXT NOT NULL REFERENCES invoices (id),
    source_invoice_id TEXT NOT NULL,
    seq               BIGINT NOT NULL, -- grows over all invoices of the order
    type              TEXT NOT NULL,
    body              TEXT NOT NULL, -- the bytes that every try sends
    notify_url        TEXT NOT NULL,
    attempts          BIGINT NOT NULL DEFAULT 0,
    next_at           BIGINT NOT NULL DEFAULT 0, -- not tried again before
    created_at        BIGINT NOT NULL,
    delivered_at      BIGINT NOT NULL DEFAULT 0,
    stuck_at          BIGINT NOT NULL DEFAULT 0,
    dead_at           BIGINT NOT NULL DEFAULT 0,
    UNIQUE (business_id, source_invoice_id, seq)
);
CREATE INDEX events_of_invoice ON events (invoice_id, seq);
CREATE INDEX events_undelivered ON events (business_id, source_invoice_id, seq) WHERE delivered_at = 0 AND dead_at = 0;
CREATE INDEX events_stuck ON events (created_at, id) WHERE stuck_at > 0 AND delivered_at = 0;
CREATE INDEX events_oldest ON events (created_at) WHERE delivered_at = 0 AND dead_at = 0;

CREATE TABLE deliveries (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    event_id    TEXT NOT NULL REFERENCES events (id),
    invoice_id  TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    status      BIGINT NOT NULL, -- HTTP; 0: no answer
    duration_ms BIGINT NOT NULL,
    error       TEXT NOT NULL DEFAULT '',
    answer      TEXT NOT NULL DEFAULT '' -- the start of the receiver's answer
);
CREATE INDEX deliveries_of_event ON deliveries (event_id, at);
CREATE INDEX deliveries_of_invoice ON deliveries (invoice_id, at, id);

-- The timeline of an invoice: every state change, in the transaction that made it.
CREATE TABLE changes (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    invoice_id  TEXT NOT NULL,
    payment_id  TEXT NOT NULL DEFAULT '',
    refund_id   TEXT NOT NULL DEFAULT '',
    at          BIGINT NOT NULL,
    what        TEXT NOT NULL, -- invoice, payment, refund
    was         TEXT NOT NULL DEFAULT '',
    now         TEXT NOT NULL,
    by_whom     TEXT NOT NULL, -- api, provider, worker, or a person
    note        TEXT NOT NULL DEFAULT ''
);
CREATE INDEX changes_of_invoice ON changes (invoice_id, at, id);

-- What needs a person, in the transaction that found it.
CREATE TABLE alarms (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    invoice_id  TEXT NOT NULL,
    payment_id  TEXT NOT NULL DEFAULT '',
    kind        TEXT NOT NULL,
    message     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    closed_at   BIGINT NOT NULL DEFAULT 0,
    closed_by   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX alarms_open ON alarms (created_at, id) WHERE closed_at = 0;
CREATE INDEX alarms_of_invoice ON alarms (invoice_id, created_at, id);

-- Redacted traffic with the providers: evidence, not truth. Flushed in batches; may lose the
-- newest when the process dies.
CREATE TABLE messages (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    invoice_id  TEXT NOT NULL DEFAULT '',
    payment_id  TEXT NOT NULL DEFAULT '',
    at          BIGINT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    step        TEXT NOT NULL DEFAULT '',
    request     TEXT NOT NULL,
    status      BIGINT NOT NULL,
    response    TEXT NOT NULL,
    duration_ms BIGINT NOT NULL
);
CREATE INDEX messages_of_invoice ON messages (invoice_id, at, id);
CREATE INDEX messages_oldest ON messages (at);

CREATE TABLE idempotency (
    scope      TEXT NOT NULL, -- operation and source
    key        TEXT NOT NULL,
    hash       TEXT NOT NULL, -- HMAC of the decoded request
    resource   TEXT NOT NULL,
    status     BIGINT NOT NULL, -- the first HTTP status
    done       BOOLEAN NOT NULL, -- false while the first request still runs
    created_at BIGINT NOT NULL,
    keep       BOOLEAN NOT NULL DEFAULT FALSE, -- refunds and payouts: for ever
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_oldest ON idempotency (created_at) WHERE NOT keep;

-- The outbox: what must happen later, written by the transaction that decided it.
CREATE TABLE work (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    lane        TEXT NOT NULL, -- the receiver's host, or the provider
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    gen         BIGINT NOT NULL DEFAULT 1,
    lease_token TEXT NOT NULL DEFAULT '',
    lease_until BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
-- due_at is moved to lease_until while a row is leased, so that one index serves both.
CREATE INDEX work_due ON work (lane, due_at);
