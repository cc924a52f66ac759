-- +goose Up
-- What staff ask of the book: lists in any order, search by whatever was pasted, the day's sums,
-- and refunds that wait for a second person.

-- The provider of the payment that counts; before there is one, the provider it was made for.
ALTER TABLE invoices ADD COLUMN via TEXT NOT NULL DEFAULT '';
UPDATE invoices SET via = CASE WHEN provider <> '' THEN provider ELSE COALESCE(
    (SELECT p.provider FROM payments p WHERE p.invoice_id = invoices.id AND p.state IN ('held', 'paid', 'unknown', 'refunded')), '') END;
CREATE INDEX invoices_status ON invoices (status, created_at, id);
-- As before, but chosen over the one above by whoever looks for what ran out.
DROP INDEX invoices_to_expire;
CREATE INDEX invoices_to_expire ON invoices (status, check_at) WHERE status = 'pending';
CREATE INDEX invoices_via ON invoices (via, created_at, id);
CREATE INDEX invoices_amount ON invoices (amount, created_at, id);

-- By what else an invoice is found: the names that a company or a bank gives its payments beside
-- their ref, and the buyer's telephone number where the app told it (nine digits).
CREATE TABLE clues (
    kind        TEXT NOT NULL CHECK (kind IN ('name', 'phone')),
    value       TEXT NOT NULL,
    business_id TEXT NOT NULL,
    invoice_id  TEXT NOT NULL,
    created_at  BIGINT NOT NULL, -- the invoice's
    PRIMARY KEY (kind, value, created_at, invoice_id)
);
INSERT INTO clues (kind, value, business_id, invoice_id, created_at)
    SELECT DISTINCT 'name', REPLACE(REPLACE(p.meta, '{"paydoc":', ''), '}', ''), p.business_id, p.invoice_id, i.created_at
    FROM payments p JOIN invoices i ON i.id = p.invoice_id
    WHERE p.provider = 'click' AND p.meta LIKE '{"paydoc":%' AND p.meta <> '{"paydoc":0}';
INSERT INTO clues (kind, value, business_id, invoice_id, created_at)
    SELECT DISTINCT 'name', SUBSTR(p.meta, 10, 36), p.business_id, p.invoice_id, i.created_at
    FROM payments p JOIN invoices i ON i.id = p.invoice_id
    WHERE p.provider = 'multicard' AND p.meta LIKE '{"paid":"%';

-- The last four characters of a masked card and of a masked telephone number.
CREATE INDEX payments_card_tail ON payments (SUBSTR(card_pan, LENGTH(card_pan) - 3), created_at, id) WHERE card_pan <> '';
CREATE INDEX payments_phone_tail ON payments (SUBSTR(code_phone, LENGTH(code_phone) - 3), created_at, id) WHERE code_phone <> '';

-- The day in numbers: what was paid, what came to nothing, what was returned.
CREATE INDEX payments_paid ON payments (paid_at, provider, captured) WHERE paid_at > 0;
CREATE INDEX payments_lost ON payments (ended_at, provider) WHERE state IN ('failed', 'cancelled');
CREATE INDEX payments_receipt_failed ON payments (created_at, id) WHERE fiscal = 'failed';
CREATE INDEX refunds_done ON refunds (done_at, state, amount) WHERE done_at > 0;

CREATE INDEX refunds_newest ON refunds (created_at, id);
CREATE INDEX refunds_amount ON refunds (amount, created_at, id);
CREATE INDEX refunds_state ON refunds (state, created_at, id);
CREATE INDEX refunds_find_ref ON refunds (ref) WHERE ref <> '';
CREATE INDEX events_newest ON events (created_at, id);
CREATE INDEX events_waiting ON events (created_at, id) WHERE delivered_at = 0 AND dead_at = 0;
CREATE INDEX events_dead ON events (created_at, id) WHERE dead_at > 0;
CREATE INDEX merchants_inactive ON merchants (created_at, id) WHERE NOT active;

-- A refund above the owner's limit: one person asks, another confirms, once and in time.
CREATE TABLE approvals (
    id          TEXT PRIMARY KEY, -- and the refund's idempotency key
    business_id TEXT NOT NULL,
    invoice_id  TEXT NOT NULL REFERENCES invoices (id),
    amount      BIGINT NOT NULL CHECK (amount > 0),
    reason      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'confirmed', 'refused')),
    asked_by    TEXT NOT NULL,
    decided_by  TEXT NOT NULL DEFAULT '',
    refund_id   TEXT NOT NULL DEFAULT '', -- what came of it
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    decided_at  BIGINT NOT NULL DEFAULT 0,
    CHECK (decided_by <> asked_by OR state = 'refused'),
    CHECK (state = 'confirmed' OR refund_id = '')
);
CREATE INDEX approvals_of_invoice ON approvals (invoice_id, created_at, id);
CREATE INDEX approvals_waiting ON approvals (expires_at, id) WHERE state = 'waiting';
