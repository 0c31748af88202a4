-- How far estimates are from measurements: each station is left out in turn and estimated from the
-- others. Sums over a month's residuals (estimate - measurement), so that errors of any group come
-- out by addition. In EPA's unit.
CREATE TABLE residual (
    parameter     integer  NOT NULL,
    year          smallint NOT NULL,
    month         smallint NOT NULL,
    quantity      text     NOT NULL,  -- hours; daily: the daily metric; month: mean of the hours
    from_miles    smallint NOT NULL,  -- class of the distance to the nearest other station: its begin
    observed      bigint   NOT NULL,  -- measurements
    estimated     bigint   NOT NULL,  -- those that have an estimate; the sums below are over them
    error         double precision NOT NULL,
    squared_error double precision NOT NULL,
    value         double precision NOT NULL,  -- of the measurements
    squared_value double precision NOT NULL
) PARTITION BY RANGE (parameter, year);
