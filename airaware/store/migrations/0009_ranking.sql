-- What cells are ranked by: one figure of the year (science/ranking.py), of the cells that have one.
CREATE TABLE ranking (
    parameter integer  NOT NULL,
    year      smallint NOT NULL,
    piece     smallint NOT NULL,  -- the job's: a row each, so that a load is read at once
    cells     bigint[] NOT NULL,
    figures   real[]   NOT NULL   -- of each of the cells, in EPA's unit
) PARTITION BY RANGE (parameter, year);

-- A load of before has no row; it is verified, copied and replaced as all others.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT parameter, year FROM load LOOP
        EXECUTE format('CREATE TABLE ranking_%s_%s PARTITION OF ranking FOR VALUES FROM (%s, %s) TO (%s, %s)',
                       each.parameter, each.year, each.parameter, each.year, each.parameter, each.year + 1);
    END LOOP;
END $$;
