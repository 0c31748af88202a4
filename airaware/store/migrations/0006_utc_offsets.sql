-- By site: its clock's hours from UTC, standard time all year; and how many rows have a GMT time that
-- does not fit it.
ALTER TABLE load ADD COLUMN utc_offsets jsonb NOT NULL DEFAULT '{}';
ALTER TABLE load ADD COLUMN gmt_misfits jsonb NOT NULL DEFAULT '{}';
