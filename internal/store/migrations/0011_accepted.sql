-- +goose Up
-- When a company said that it works on a refund: from then on, that it does not show the return is
-- no sign that it refused.
ALTER TABLE refunds ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;
