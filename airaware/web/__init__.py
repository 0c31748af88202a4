"""The site: type an address, read what its air has been like.

Start it with `gunicorn --config python:airaware.web.gunicorn "airaware.web:create_app()"`.
"""

from airaware.web.app import create_app

__all__ = ["create_app"]
