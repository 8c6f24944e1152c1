"""The chart as it is usually made in Django: a question by the ORM, a figure and its JSON by plotly.py. A peer for B9.

To be imported as the list of addresses of a configured Django.
"""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
from django.http import HttpRequest, HttpResponse
from django.urls import path

from costwatch.ledger.models import SeriesDay
from costwatch.money import ExactSum
from costwatch.urls import urlpatterns as product

SINCE, UNTIL = date(2026, 10, 22), date(2026, 11, 20)


def chart(request: HttpRequest) -> HttpResponse:
    """30 days by model on the day rollup."""
    rows = (
        SeriesDay.objects.filter(day__gte=SINCE, day__lte=UNTIL)
        .values("day", "series__model")
        .annotate(amount=ExactSum("contracted_low"))
        .order_by("series__model", "day")
    )
    by_model: dict[str, list[tuple[date, float]]] = {}
    for row in rows:
        by_model.setdefault(row["series__model"], []).append((row["day"], row["amount"] / 1e12))
    bars = [
        go.Bar(name=model, x=[day for day, _ in of], y=[amount for _, amount in of]) for model, of in by_model.items()
    ]
    figure = go.Figure(bars, go.Layout(barmode="stack", title="Spend by day"))
    return HttpResponse(figure.to_json(), content_type="application/json")


urlpatterns = [path("by-plotly/", chart), *product]
