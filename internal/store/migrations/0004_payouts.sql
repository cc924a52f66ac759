-- +goose Up
-- Money out, and comparing our book with the companies'. The changes and messages of a payout
-- stand under its id in invoice_id: they are only ever read by what they are about.

CREATE TABLE payouts (
    id               TEXT PRIMARY KEY,
    business_id      TEXT NOT NULL REFERENCES businesses (id),
    merchant_id      TEXT NOT NULL REFERENCES merchants (id),
    source           TEXT NOT NULL,
    business         TEXT NOT NULL, -- the app's own id of it: every webhook tells it
    provider         TEXT NOT NULL,
    source_payout_id TEXT NOT NULL,
    amount           BIGINT NOT NULL CHECK (amount >= 100 AND amount <= 1000000000000),
    state            TEXT NOT NULL CHECK (state IN ('created', 'sent', 'unknown', 'succeeded', 'failed')),
    two_steps        BOOLEAN NOT NULL,
    unsent           BOOLEAN NOT NULL DEFAULT FALSE, -- failed, and nothing ever reached the company
    ref              TEXT, -- the company's id; NULL until known
    card_id          TEXT NOT NULL DEFAULT '', -- the bound card; the number of any other is not kept
    pan              TEXT NOT NULL DEFAULT '', -- masked
    system           TEXT NOT NULL DEFAULT '',
    kyc_hash         TEXT NOT NULL DEFAULT '', -- an HMAC: what is told of the person is not kept
    reason           TEXT NOT NULL DEFAULT '',
    code             TEXT NOT NULL DEFAULT '',
    note             TEXT NOT NULL DEFAULT '',
    code_tries       BIGINT NOT NULL DEFAULT 0,
    notify_url       TEXT NOT NULL DEFAULT '',
    notify_delivered BOOLEAN NOT NULL DEFAULT TRUE,
    receipt_url      TEXT NOT NULL DEFAULT '',
    created_at       BIGINT NOT NULL,
    sent_at          BIGINT NOT NULL,
    done_at          BIGINT NOT NULL DEFAULT 0,
    UNIQUE (merchant_id, ref),
    CHECK (state <> 'created' OR two_steps), -- in one step the money may be on its way at once
    CHECK ((state IN ('succeeded', 'failed')) = (done_at > 0)),
    CHECK (NOT unsent OR state = 'failed')
);
-- Money is sent once for each of the app's numbers.
CREATE UNIQUE INDEX payouts_once ON payouts (business_id, source_payout_id) WHERE NOT unsent;
CREATE INDEX payouts_unknown ON payouts (created_at, id) WHERE state = 'unknown';
CREATE INDEX payouts_of_day ON payouts (merchant_id, done_at, id) WHERE state = 'succeeded';

CREATE TABLE payout_events (
    id           TEXT PRIMARY KEY,
    business_id  TEXT NOT NULL,
    payout_id    TEXT NOT NULL REFERENCES payouts (id),
    seq          BIGINT NOT NULL,
    type         TEXT NOT NULL,
    body         TEXT NOT NULL, -- the bytes that every try sends
    notify_url   TEXT NOT NULL,
    attempts     BIGINT NOT NULL DEFAULT 0,
    next_at      BIGINT NOT NULL DEFAULT 0, -- not tried again before
    created_at   BIGINT NOT NULL,
    delivered_at BIGINT NOT NULL DEFAULT 0,
    stuck_at     BIGINT NOT NULL DEFAULT 0,
    dead_at      BIGINT NOT NULL DEFAULT 0,
    UNIQUE (payout_id, seq)
);
CREATE INDEX payout_events_stuck ON payout_events (created_at, id) WHERE stuck_at > 0 AND delivered_at = 0;
CREATE INDEX payout_events_oldest ON payout_events (created_at) WHERE delivered_at = 0 AND dead_at = 0;

CREATE TABLE payout_deliveries (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL,
    event_id    TEXT NOT NULL REFERENCES payout_events (id),
    payout_id   TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    status      BIGINT NOT NULL, -- HTTP; 0: no answer
    duration_ms BIGINT NOT NULL,
    error       TEXT NOT NULL DEFAULT '',
    answer      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX payout_deliveries_of_payout ON payout_deliveries (payout_id, at, id);

-- An alarm is about an invoice or about a payout; the other's id is ''.
ALTER TABLE alarms ADD COLUMN payout_id TEXT NOT NULL DEFAULT '';
CREATE INDEX alarms_of_payout ON alarms (payout_id, created_at, id) WHERE payout_id <> '';

ALTER TABLE merchants ADD COLUMN nightly BOOLEAN NOT NULL DEFAULT FALSE; -- its option reconcileNightly
CREATE INDEX merchants_nightly ON merchants (id) WHERE nightly;
CREATE INDEX payments_of_day ON payments (merchant_id, paid_at, id) WHERE paid_at > 0;

CREATE TABLE reconciliations (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses (id),
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    provider    TEXT NOT NULL,
    day         TEXT NOT NULL, -- YYYY-MM-DD in Asia/Tashkent
    way         TEXT NOT NULL CHECK (way IN ('register', 'ask', 'file')),
    nightly     BOOLEAN NOT NULL DEFAULT FALSE,
    state       TEXT NOT NULL CHECK (state IN ('loading', 'running', 'done', 'failed')),
    phase       TEXT NOT NULL DEFAULT '',
    place       BIGINT NOT NULL DEFAULT 0,
    place_id    TEXT NOT NULL DEFAULT '',
    matched     BIGINT NOT NULL DEFAULT 0,
    only_theirs BIGINT NOT NULL DEFAULT 0,
    only_ours   BIGINT NOT NULL DEFAULT 0,
    different   BIGINT NOT NULL DEFAULT 0,
    note        TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    done_at     BIGINT NOT NULL DEFAULT 0,
    CHECK ((state IN ('done', 'failed')) = (done_at > 0))
);
CREATE UNIQUE INDEX reconciliations_nightly ON reconciliations (merchant_id, day) WHERE nightly;

-- The transactions of a reconciliation. What is equal on both sides is forgotten at its end.
CREATE TABLE differences (
    id                TEXT PRIMARY KEY,
    business_id       TEXT NOT NULL,
    reconciliation_id TEXT NOT NULL REFERENCES reconciliations (id),
    kind              TEXT NOT NULL CHECK (kind IN ('payment', 'payout')),
    verdict           TEXT NOT NULL CHECK (verdict IN ('', 'matched', 'only_theirs', 'only_ours', 'different')),
    seq               BIGINT NOT NULL,
    ref               TEXT NOT NULL DEFAULT '',
    named             TEXT NOT NULL DEFAULT '', -- how the company names our side
    invoice_id        TEXT NOT NULL DEFAULT '',
    our_id            TEXT NOT NULL DEFAULT '',
    theirs            BOOLEAN NOT NULL, -- whether the company has it
    their_amount      BIGINT NOT NULL DEFAULT 0,
    their_state       TEXT NOT NULL DEFAULT '',
    their_time        BIGINT NOT NULL DEFAULT 0,
    ours              BOOLEAN NOT NULL DEFAULT FALSE, -- whether we have it
    our_amount        BIGINT NOT NULL DEFAULT 0,
    our_state         TEXT NOT NULL DEFAULT '',
    our_time          BIGINT NOT NULL DEFAULT 0,
    note              TEXT NOT NULL DEFAULT '',
    settled_at        BIGINT NOT NULL DEFAULT 0,
    settled_by        TEXT NOT NULL DEFAULT '',
    settled_how       TEXT NOT NULL DEFAULT '',
    settled_reason    TEXT NOT NULL DEFAULT '',
    CHECK (settled_at = 0 OR settled_by <> '' AND settled_reason <> '')
);
-- A company's transaction is compared once, and once with each of ours.
CREATE UNIQUE INDEX differences_ref ON differences (reconciliation_id, kind, ref) WHERE ref <> '';
CREATE UNIQUE INDEX differences_ours ON differences (reconciliation_id, our_id) WHERE our_id <> '';
CREATE INDEX differences_listed ON differences (reconciliation_id, verdict, seq, id);
