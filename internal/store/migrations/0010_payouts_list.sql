-- +goose Up
-- Payouts in a list, newest first, as an app asks for them: of its business by the app's own id of
-- it, by its own number, or those that are not done yet or came to nothing.
CREATE INDEX payouts_newest ON payouts (created_at, id);
CREATE INDEX payouts_of_source ON payouts (source, created_at, id);
CREATE INDEX payouts_of_business ON payouts (business, created_at, id);
CREATE INDEX payouts_find_number ON payouts (source_payout_id, created_at, id);
CREATE INDEX payouts_pending ON payouts (created_at, id) WHERE state IN ('created', 'sent', 'unknown');
CREATE INDEX payouts_failed ON payouts (created_at, id) WHERE state = 'failed';
