-- Which hash of rows the checksum is made with (store/rowhash.py); a load of before has the old one.
ALTER TABLE load ADD COLUMN hash text NOT NULL DEFAULT 'hash_record_extended';
-- When the rows were last added up, by the load itself or by store/verify.py, and to what.
ALTER TABLE load ADD COLUMN verified_at timestamptz;
ALTER TABLE load ADD COLUMN found_checksum numeric;
