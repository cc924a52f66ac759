-- +goose Up
-- Cards bound on a company's form are told apart from those bound by a code, so that neither is
-- asked about in the other's way; and what a repeat of a request must be answered with is kept.

ALTER TABLE cards ADD COLUMN by_form BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE cards ADD COLUMN form_url TEXT NOT NULL DEFAULT ''; -- while the card is pending: it opens the form
ALTER TABLE cards ADD COLUMN code_at BIGINT NOT NULL DEFAULT 0; -- when its owner's code was sent

-- Before this, what waited without a telephone or a number had been sent to a form.
UPDATE cards SET by_form = TRUE WHERE pan = '' AND phone = '';

-- A company's word about a form names the card as the company does.
CREATE INDEX cards_pending ON cards (merchant_id, ref) WHERE state = 'pending';

ALTER TABLE payments ADD COLUMN save_card BOOLEAN NOT NULL DEFAULT FALSE; -- the buyer wants the card kept
