"""For a service in production: the metrics of its connection pools, in two lines.

    import poolstorm
    metrics = poolstorm.instrument(engine)

`metrics.points()` are OpenTelemetry's `db.client.connection.*`, `metrics.exposition()` the same as text for
Prometheus to scrape. What counts is the probe that `poolstorm run --app` puts into an app
(docs/decisions/0018-probe.md); nothing but the standard library and SQLAlchemy is imported.
"""

from poolstorm.metrics import Metrics, instrument

__all__ = ["Metrics", "instrument"]
