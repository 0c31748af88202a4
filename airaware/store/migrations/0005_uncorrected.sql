-- T640 hours for which the file has no corrected value: by site, how many hours.
ALTER TABLE load ADD COLUMN uncorrected jsonb NOT NULL DEFAULT '{}';
