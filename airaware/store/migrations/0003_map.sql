-- What the map draws; filled, and indexed after that, by store/shapes.py. `id` numbers the cells of all resolutions; a cell across the antimeridian
-- has a shape at each end of the world.
CREATE TABLE cell_shape (
    resolution smallint NOT NULL,  -- of H3; one partition each, so that each has its own index
    cell       bigint   NOT NULL,
    id         integer  NOT NULL,
    shape      geometry(Polygon, 3857) NOT NULL
) PARTITION BY LIST (resolution);
CREATE TABLE cell_shape_3 PARTITION OF cell_shape FOR VALUES IN (3);
CREATE TABLE cell_shape_4 PARTITION OF cell_shape FOR VALUES IN (4);
CREATE TABLE cell_shape_5 PARTITION OF cell_shape FOR VALUES IN (5);
CREATE TABLE cell_shape_6 PARTITION OF cell_shape FOR VALUES IN (6);

-- A coarser cell's year, for the map: each figure is the mean over those of its seven children that
-- have one. Arrays of twelve months, January first; NaN where there is none.
CREATE TABLE parent_year (
    parameter   integer  NOT NULL,
    year        smallint NOT NULL,
    cell        bigint   NOT NULL,
    hourly_mean real[]   NOT NULL,
    daily_mean  real[]   NOT NULL,
    daily_max   real[]   NOT NULL,
    days_above  real[]   NOT NULL,
    nearest_km  real[]   NOT NULL
) PARTITION BY RANGE (parameter, year);
