-- How old the data of a load is; null where nothing says so, and in loads from before this column.
ALTER TABLE load ADD COLUMN file_date date;       -- when the file was changed at its source, UTC
ALTER TABLE load ADD COLUMN newest_change date;   -- newest "Date of Last Change" of its rows
