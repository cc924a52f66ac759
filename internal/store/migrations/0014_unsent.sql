-- +goose Up
-- That a payout above the owner's limit was not sent, as one person says: another confirms it, once
-- and in time. The app would then send it again.
CREATE TABLE payout_approvals (
    id          TEXT PRIMARY KEY, -- the form's own key
    business_id TEXT NOT NULL,
    payout_id   TEXT NOT NULL REFERENCES payouts (id),
    reason      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'confirmed', 'refused')),
    asked_by    TEXT NOT NULL,
    decided_by  TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    decided_at  BIGINT NOT NULL DEFAULT 0,
    CHECK (decided_by <> asked_by OR state = 'refused')
);
CREATE INDEX payout_approvals_of_payout ON payout_approvals (payout_id, created_at, id);
