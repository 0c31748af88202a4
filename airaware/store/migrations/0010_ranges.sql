-- Between which counts a year's days above, and its days in each AQI category, lie
-- (science/ranges.py): a row for each class of the distance to the nearest station. Arrays are those
-- of its RANGES, flattened; NaN where too little is known.
CREATE TABLE count_range (
    parameter  integer  NOT NULL,
    year       smallint NOT NULL,
    from_miles smallint NOT NULL,
    stations   smallint NOT NULL,  -- left-out stations that the bounds rest on
    levels     real[]   NOT NULL,  -- 4 seasons x 6: the lowest estimate of a level
    residuals  real[]   NOT NULL,  -- of each level, 41 quantiles of estimate - measurement
    low        real[]   NOT NULL,  -- of each count, in standard deviations
    high       real[]   NOT NULL
) PARTITION BY RANGE (parameter, year);

-- A load of before has no row; it is verified, copied and replaced as all others.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT parameter, year FROM load LOOP
        EXECUTE format('CREATE TABLE count_range_%s_%s PARTITION OF count_range FOR VALUES FROM (%s, %s) TO (%s, %s)',
                       each.parameter, each.year, each.parameter, each.year, each.parameter, each.year + 1);
    END LOOP;
END $$;
