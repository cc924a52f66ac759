-- +goose Up
-- What the staff's pages ask beyond invoices.

-- What a till has reported since midnight.
CREATE INDEX till_reports_day ON till_reports (till_id, created_at);
-- A return of which nobody knows the outcome, nor the sale it is of: it stands in no invoice's
-- timeline, and only the till can end it.
ALTER TABLE till_reports ADD COLUMN adrift BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE till_reports SET adrift = TRUE WHERE invoice_id = '' AND body LIKE '%"state":"unknown"%';
CREATE INDEX till_reports_adrift ON till_reports (till_id, created_at) WHERE adrift;

-- What needs a person and is about no invoice: a payout, or a day that was compared.
CREATE INDEX alarms_loose ON alarms (created_at, id) WHERE closed_at = 0 AND invoice_id = '';

-- A second person is asked also before a refund of unknown outcome is said not to have been made.
ALTER TABLE approvals ADD COLUMN decides TEXT NOT NULL DEFAULT ''; -- that refund; '': a new one
