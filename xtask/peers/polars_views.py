"""Polars: twofold's views by minute, hour and day from its archive, as far as no classes are needed."""
import json
import os
import sys

os.environ.setdefault("POLARS_MAX_THREADS", "2")
import polars as pl

source, out = sys.argv[1:3]
requests = (
    pl.scan_parquet(f"{source}/**/*.parquet", hive_partitioning=False)
    .filter(pl.col("outcome") == "request")
    .select(
        "client", "method", "path", "status", "user_agent",
        pl.col("time").alias("ts"),
        pl.col("bytes").fill_null(0),
        pl.col("referrer").str.extract("://([^/?#:]+)", 1),
    )
    .collect(engine="streaming")
)
status = pl.col("status")
MEASURES = [
    pl.len().alias("requests"),
    pl.col("bytes").sum().alias("sum_bytes"),
    (status == 404).sum().alias("not_found"),
    status.is_between(400, 499).sum().alias("client_errors"),
    status.is_between(500, 599).sum().alias("server_errors"),
]
ERROR = (status == 404) | status.is_between(500, 599)
VIEWS = {
    "statuses": ("status", True),
    "methods": ("method", True),
    "clients": ("client", True),
    "pages": ("path", True),
    "errors": ("path", ERROR),
    "referrers": ("referrer", True),
    "agents": ("user_agent", True),
}
answers = {"rows": {}}
for grain, every in (("minute", "1m"), ("hour", "1h"), ("day", "1d")):
    spans = requests.with_columns(pl.col("ts").dt.truncate(every).alias("start"))
    traffic = spans.group_by("start").agg(
        *MEASURES,
        pl.col("client").n_unique().alias("clients"),
        *[pl.col("bytes").quantile(q, "higher").alias(f"p{q}") for q in (0.5, 0.9, 0.95, 0.99)],
    )
    answers["rows"][f"traffic/{grain}"] = traffic.height
    for view, (key, only) in VIEWS.items():
        rows = (
            spans.lazy().filter(only).drop_nulls(key).group_by("start", pl.col(key).alias("key")).agg(*MEASURES)
            .sort(["start", "requests", "key"], descending=[False, True, False])
            .group_by("start", maintain_order=True).head(100).collect()
        )
        answers["rows"][f"{view}/{grain}"] = rows.height
        if grain == "day" and view in ("clients", "pages"):
            answers[f"top_{view}"] = [list(row) for row in rows.select("key", "requests").head(10).iter_rows()]
        if grain == "day" and view == "statuses":
            answers["status"] = {str(k): n for k, n in rows.select("key", "requests").iter_rows()}
    answers["requests"] = int(traffic["requests"].sum())
    answers["bytes"] = int(traffic["sum_bytes"].sum())
json.dump(answers, open(out, "w"))
