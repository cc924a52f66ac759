-- +goose Up
-- What our own calls need: cards bound and charged by us, and holds. A card's number is never
-- stored; what charges it is, sealed.

ALTER TABLE payments ADD COLUMN way TEXT NOT NULL DEFAULT ''; -- card, card_token; '' a page or the company's own call
ALTER TABLE payments ADD COLUMN card_id TEXT NOT NULL DEFAULT ''; -- the bound card that is charged
ALTER TABLE payments ADD COLUMN asked TEXT NOT NULL DEFAULT ''; -- charge, confirm, capture, release: sent and not answered
ALTER TABLE payments ADD COLUMN asked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN asked_amount BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN code TEXT NOT NULL DEFAULT ''; -- the company's own code of a refusal
ALTER TABLE payments ADD COLUMN code_phone TEXT NOT NULL DEFAULT ''; -- masked
ALTER TABLE payments ADD COLUMN code_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN code_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN hold_until BIGINT NOT NULL DEFAULT 0;

CREATE TABLE cards (
    id           TEXT PRIMARY KEY,
    business_id  TEXT NOT NULL REFERENCES businesses (id),
    merchant_id  TEXT NOT NULL REFERENCES merchants (id),
    provider     TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'active', 'revoked', 'failed')),
    ref          TEXT NOT NULL DEFAULT '', -- the company's id of the card, or of its binding
    sealed       TEXT NOT NULL DEFAULT '', -- what charges it; '' unless active
    needs_code   BOOLEAN NOT NULL DEFAULT FALSE,
    pan          TEXT NOT NULL DEFAULT '', -- masked
    system       TEXT NOT NULL DEFAULT '',
    expiry       TEXT NOT NULL DEFAULT '', -- YYMM
    phone        TEXT NOT NULL DEFAULT '', -- masked
    code_until   BIGINT NOT NULL DEFAULT 0,
    reason       TEXT NOT NULL DEFAULT '',
    code         TEXT NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL DEFAULT 0,
    CHECK (state = 'active' OR sealed = '')
);
-- Only for the rotation of the master key: what is sealed, in the order of ids.
CREATE INDEX cards_sealed ON cards (id) WHERE sealed <> '';
CREATE INDEX payments_card_tokens ON payments (id) WHERE card_token <> '';
