-- +goose Up
-- Who may look at and change payments, and the log of what they looked at and did. Secrets are
-- kept as hashes (passwords by argon2id, random tokens by SHA-256), or sealed where they must be
-- read again.

CREATE TABLE staff (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE, -- in lower case
    role          TEXT NOT NULL CHECK (role IN ('viewer', 'support', 'refunds', 'owner')),
    active        BOOLEAN NOT NULL,
    password      TEXT NOT NULL DEFAULT '', -- argon2id; '' until enrolled
    totp          TEXT NOT NULL DEFAULT '', -- sealed; '' until enrolled
    totp_step     BIGINT NOT NULL DEFAULT 0, -- the newest 30 seconds whose code was used: a code is good once
    recovery      TEXT NOT NULL DEFAULT '', -- hashes of the unused recovery codes, a space between
    created_at    BIGINT NOT NULL,
    signed_in_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX staff_sealed ON staff (id) WHERE totp <> '';

-- A link by which a person sets a password and an authenticator. One a person; used once.
CREATE TABLE staff_enrolments (
    staff_id      TEXT PRIMARY KEY REFERENCES staff (id),
    hash          TEXT NOT NULL UNIQUE, -- of the link's token
    totp          TEXT NOT NULL, -- sealed: the secret that the page shows
    keep_password BOOLEAN NOT NULL, -- the present password is asked for, not set
    ends_at       BIGINT NOT NULL
);

CREATE TABLE staff_sessions (
    hash       TEXT PRIMARY KEY, -- of the cookie's token
    staff_id   TEXT NOT NULL REFERENCES staff (id),
    address    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL, -- to the minute
    ends_at    BIGINT NOT NULL -- whatever happens
);
CREATE INDEX staff_sessions_of ON staff_sessions (staff_id);
CREATE INDEX staff_sessions_over ON staff_sessions (ends_at);

-- Tries to sign in that failed, by account (whether there is one or not) and by address.
CREATE TABLE staff_tries (
    subject      TEXT PRIMARY KEY,
    failures     BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    at           BIGINT NOT NULL
);
CREATE INDEX staff_tries_oldest ON staff_tries (at);

-- When a company last called a merchant's address. By -at, so that no engine is tempted to walk
-- backwards over everybody's messages (messages_oldest) until it finds one of a silent merchant.
CREATE INDEX messages_heard ON messages (merchant_id, (-at)) WHERE direction = 'in';

-- Each entry is bound to the one before it: mac is an HMAC over both, under a key that is sealed.
CREATE TABLE audit_log (
    seq        BIGINT PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    staff_id   TEXT NOT NULL, -- '' for the command line
    who        TEXT NOT NULL, -- the e-mail address at that time
    address    TEXT NOT NULL,
    what       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    detail     TEXT NOT NULL,
    mac        TEXT NOT NULL
);
CREATE INDEX audit_log_newest ON audit_log (created_at, id);
CREATE INDEX audit_log_who ON audit_log (who, created_at, id);
CREATE INDEX audit_log_what ON audit_log (what, created_at, id);
CREATE INDEX audit_log_subject ON audit_log (subject, created_at, id);

-- Nothing in it is changed or deleted, whatever a program tries. The engines word that differently.
-- +engine sqlite
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log -- INSERT OR REPLACE would delete past the trigger above
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq OR id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +engine postgres
-- +goose StatementBegin
CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_append_only();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only();
-- +engine both
