"""The API, version 1. Errors: see `airaware.web.problems`."""

from flask import Blueprint, Response, jsonify, request

from airaware.web import answer

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.get("/air")
def air() -> Response:
    """The air at `address` in `year` (the latest year if it is not given)."""
    return jsonify(answer.for_request(request.args))
