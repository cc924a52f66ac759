-- +goose Up
-- Since when a person has had the power that they have: it is given by enrolling, by a higher role, and by
-- being let in again. Of those who were here before this was kept, their creation is what is known.
ALTER TABLE staff ADD COLUMN power_since BIGINT NOT NULL DEFAULT 0;
UPDATE staff SET power_since = created_at;
