-- +goose Up
-- How often in a row the work failed: its handler could not write down how it went. From the fifth
-- time on it is counted for a person to see.
ALTER TABLE work ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
CREATE INDEX work_failing ON work (id) WHERE failures >= 5;
