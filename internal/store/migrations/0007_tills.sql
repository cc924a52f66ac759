-- +goose Up
-- Tills: programs beside cash registers that report what was sold in the shop. Neither the code by
-- which one is paired nor the token that it is given is stored: only their SHA-256.

CREATE TABLE tills (
    id          TEXT PRIMARY KEY,
    business_id TEXT NOT NULL REFERENCES businesses (id),
    name        TEXT NOT NULL,
    notify_url  TEXT NOT NULL DEFAULT '', -- '' : its sales send no webhook
    device      TEXT NOT NULL DEFAULT '', -- what the till says of itself
    version     TEXT NOT NULL DEFAULT '',
    code_hash   TEXT NOT NULL DEFAULT '', -- of the pairing code; '' once it cannot be used any more
    code_until  BIGINT NOT NULL DEFAULT 0,
    nonce_hash  TEXT NOT NULL DEFAULT '', -- who has used the code, and may ask again for its answer
    token_hash  TEXT NOT NULL DEFAULT '', -- '' unless paired
    created_at  BIGINT NOT NULL,
    paired_at   BIGINT NOT NULL DEFAULT 0,
    seen_at     BIGINT NOT NULL DEFAULT 0,
    revoked_at  BIGINT NOT NULL DEFAULT 0,
    CHECK (revoked_at = 0 OR token_hash = '' AND code_hash = '')
);
CREATE UNIQUE INDEX tills_code ON tills (code_hash) WHERE code_hash <> '';
CREATE UNIQUE INDEX tills_token ON tills (token_hash) WHERE token_hash <> '';
CREATE INDEX tills_newest ON tills (created_at, id);
CREATE INDEX tills_of_business ON tills (business_id, created_at, id);

-- What a till reported, as it stands: one row an operation, by the id that the till gave it.
CREATE TABLE till_reports (
    till_id     TEXT NOT NULL REFERENCES tills (id),
    op_id       TEXT NOT NULL,
    business_id TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    invoice_id  TEXT NOT NULL DEFAULT '', -- a sale's, or that of the sale which a return is of
    refund_id   TEXT NOT NULL DEFAULT '', -- of a return
    body        TEXT NOT NULL, -- the report, JSON
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (till_id, op_id)
);
