-- The air of each zone. Every zone's database is whole by itself.
CREATE EXTENSION IF NOT EXISTS postgis;

-- Staging tables of loads under way: one set per attempt, dropped or swapped in.
CREATE SCHEMA staging;

-- The grid: H3 cells of resolution 6 that overlap the US.
CREATE TABLE cell (
    cell   bigint PRIMARY KEY,
    center geography(Point, 4326) NOT NULL
);
CREATE INDEX cell_center ON cell USING gist (center);

-- A cell's year: arrays of twelve months, January first. NaN where a month has no value.
-- A month whose nearest_km is beyond the reach (30 miles) is an estimate from farther monitors.
CREATE TABLE cell_year (
    parameter    integer  NOT NULL,
    year         smallint NOT NULL,
    cell         bigint   NOT NULL,
    hourly_mean  real[]     NOT NULL,  -- mean of the interpolated hours, in EPA's unit
    hours        smallint[] NOT NULL,  -- hours that the mean rests on
    daily_mean   real[]     NOT NULL,  -- of the daily metric (ozone: maximum 8-hour mean; ...)
    daily_max    real[]     NOT NULL,
    daily_median real[]     NOT NULL,
    daily_p95    real[]     NOT NULL,
    days         smallint[] NOT NULL,  -- days that the daily figures rest on
    days_above   smallint[] NOT NULL,  -- days above the level of the standard
    aqi_days     smallint[] NOT NULL,  -- 12 x 6: days in each AQI category, month by month
    stations     smallint[] NOT NULL,  -- stations used
    nearest_km   real[]     NOT NULL   -- distance to the nearest of them
) PARTITION BY RANGE (parameter, year);

-- The stations of a load, and their days.
CREATE TABLE station (
    parameter   integer  NOT NULL,
    year        smallint NOT NULL,
    site        text     NOT NULL,     -- state-county-site, as 17-031-4201
    latitude    double precision NOT NULL,
    longitude   double precision NOT NULL,
    instruments smallint NOT NULL      -- POCs whose hours were averaged
) PARTITION BY RANGE (parameter, year);

CREATE TABLE station_day (
    parameter   integer  NOT NULL,
    year        smallint NOT NULL,
    site        text     NOT NULL,
    day         date     NOT NULL,     -- local standard time
    hours       real[]   NOT NULL,     -- 24 hours, mean of the instruments; NaN where none reports
    daily       real     NOT NULL,     -- the daily metric by EPA's rules; NaN where incomplete
    aqi         smallint NOT NULL,     -- of the daily metric; -1 where there is none
    smoke_hours smallint NOT NULL      -- hours that the agency flagged as US wildfire smoke (IT, RT)
) PARTITION BY RANGE (parameter, year);

-- The manifest: what is served, where it came from, and what was left out.
CREATE TABLE load (
    parameter    integer  NOT NULL,
    year         smallint NOT NULL,
    attempt      text     NOT NULL,
    input_name   text     NOT NULL,
    input_sha256 text     NOT NULL,
    code_version text     NOT NULL,    -- digest of the code that decides the figures
    synthetic    boolean  NOT NULL,
    rows_read    bigint   NOT NULL,
    excluded     jsonb    NOT NULL,    -- rows left out by rule, by reason
    rejected     jsonb    NOT NULL,    -- bad rows, by reason
    rows_loaded  jsonb    NOT NULL,    -- by table
    checksum     numeric  NOT NULL,    -- order-independent, over all rows of the load
    started_at   timestamptz NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (parameter, year)
);
