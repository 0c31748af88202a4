-- The hours of neighbouring years that a load used: by year, their digest; null where a day of the
-- load reaches into a year that was not there.
ALTER TABLE load ADD COLUMN edges jsonb NOT NULL DEFAULT '{}';
