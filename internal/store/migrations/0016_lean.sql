-- +goose Up
-- Each index of a table is written again when PostgreSQL changes a row in a column of any of them.
-- An invoice is written three times in its life, so its indexes are as few as its questions allow.

-- Whether the app has been told changes with each webhook that arrives. Without an index on it that
-- is a change of the row alone; the few that were not told are found by their events.
DROP INDEX invoices_undelivered;

-- What is found within a business is found among all by the same index.
DROP INDEX invoices_pay_number;
DROP INDEX invoices_find_pay_number;
CREATE UNIQUE INDEX invoices_pay_number ON invoices (pay_number, business_id);
DROP INDEX invoices_order;
DROP INDEX invoices_find_order;
CREATE INDEX invoices_order ON invoices (source_invoice_id, business_id, created_at, id);

-- events_waiting has the same rows in the same order.
DROP INDEX events_oldest;
