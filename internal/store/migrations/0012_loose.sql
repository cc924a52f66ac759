-- +goose Up
-- Alarms about no invoice are found by the empty id that they have in its place: beside an index of
-- all alarms by that id, SQLite takes only one that fits it better.
DROP INDEX alarms_loose;
CREATE INDEX alarms_loose ON alarms (invoice_id, closed_at, created_at, id) WHERE closed_at = 0 AND invoice_id = '';
