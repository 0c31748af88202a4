"""The first AirAware's way to answer an address, small and faithful: what the API is held against.

Two queries per request through an ORM (the nearest point of the grid; that point's air), under
Flask's development server. It asks this store, and knows the addresses by this site's geocoder.

    AIRAWARE_ZONES=... python -m bench.first_site PORT
"""

import sys
from typing import Any

import psycopg2
from flask import Flask, Response, jsonify, request
from sqlalchemy import ARRAY, BigInteger, Float, Integer, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from airaware import settings
from airaware.gazetteer import places
from airaware.web import geocode
from tools.machine.postgres import HOST


class Base(DeclarativeBase):
    """The tables."""


class Cell(Base):
    """A point of the grid."""

    __tablename__ = "cell"
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class CellYear(Base):
    """Its air."""

    __tablename__ = "cell_year"
    parameter: Mapped[int] = mapped_column(Integer, primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hourly_mean: Mapped[list[float]] = mapped_column(ARRAY(Float))
    daily_mean: Mapped[list[float]] = mapped_column(ARRAY(Float))
    daily_max: Mapped[list[float]] = mapped_column(ARRAY(Float))
    days_above: Mapped[list[int]] = mapped_column(ARRAY(Integer))


def create_app(dsn: str) -> Flask:
    """The site of one database."""
    app = Flask(__name__)
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(dsn))
    geocoder = geocode.Geocoder()
    places.load()

    @app.get("/api/v1/air")
    def air() -> Response:
        place = geocoder.locate(request.args["address"])
        with Session(engine) as session:
            here = text("center <-> ST_Point(:longitude, :latitude, 4326)::geography").bindparams(
                longitude=place.longitude, latitude=place.latitude
            )
            nearest = session.query(Cell).order_by(here).limit(1).one()
            years = session.query(CellYear).filter_by(cell=nearest.cell).all()
            return jsonify(label=place.label, pollutants=[_described(year) for year in years])

    return app


def _described(year: CellYear) -> dict[str, Any]:
    months = zip(year.hourly_mean, year.daily_mean, year.daily_max, year.days_above, strict=True)
    return {
        "parameter": year.parameter,
        "year": year.year,
        "months": [
            {
                "month": month,
                "hourly_mean": hourly,
                "daily_mean": daily,
                "daily_max": highest,
                "days_above": above,
            }
            for month, (hourly, daily, highest, above) in enumerate(months, 1)
        ],
    }


if __name__ == "__main__":
    create_app(settings.read().zones[0].dsn).run(HOST, int(sys.argv[1]))
