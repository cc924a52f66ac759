-- +goose Up
-- A search by the end of a card's or a telephone's number shows the whole masked number beside the
-- invoice: both stand in the index, so that no row is read for it.
DROP INDEX payments_card_tail;
CREATE INDEX payments_card_tail ON payments (SUBSTR(card_pan, LENGTH(card_pan) - 3), created_at, id, invoice_id, card_pan) WHERE card_pan <> '';
DROP INDEX payments_phone_tail;
CREATE INDEX payments_phone_tail ON payments (SUBSTR(code_phone, LENGTH(code_phone) - 3), created_at, id, invoice_id, code_phone) WHERE code_phone <> '';
