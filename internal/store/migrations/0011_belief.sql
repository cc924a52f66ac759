-- +goose Up
-- When a company said that it works on a refund: from then on, that it does not show the return is
-- no sign that it refused.
ALTER TABLE refunds ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;

-- How many codes were handed over for a card that is being bound: nobody is to guess one.
ALTER TABLE cards ADD COLUMN code_tries BIGINT NOT NULL DEFAULT 0;

-- What a company without a register is asked of, beside what was paid. The way of a payment that is
-- paid leads past it.
CREATE INDEX payments_unpaid ON payments (merchant_id, created_at, id) WHERE state IN ('unknown', 'failed', 'cancelled') AND ref <> '';
