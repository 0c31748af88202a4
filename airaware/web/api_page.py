"""The API's pages for people: how to ask it, and what each kind of problem means."""

from flask import Blueprint, abort, render_template

from airaware.web import asking, columns, error_pages, openapi

blueprint = Blueprint("api_page", __name__)


@blueprint.get("/api")
def page() -> str:
    """Return the API's page: paths, arguments, columns and problems, from its own description."""
    return render_template(
        "api.html",
        document=openapi.document(asking.this_year()),
        files=columns.FILES,
        kinds=error_pages.kinds(),
    )


@blueprint.get("/problems/<name>")
def problem(name: str) -> str:
    """Return the page of one kind of problem, which is its `type` in problem documents."""
    kinds = {kind.name: kind for kind in error_pages.kinds()}
    if name not in kinds:
        abort(404)
    return render_template("problem.html", kind=kinds[name])
