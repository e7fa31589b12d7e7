"""Polars: SOURCE is a log or a folder of Parquet; the answers go to OUT as JSON."""
import json
import os
import sys

os.environ.setdefault("POLARS_MAX_THREADS", "2")
import polars as pl

source, out = sys.argv[1:3]
LINE = (
    r'^(?P<client>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "\S+ (?P<url>\S+) \S+" (?P<status>\d{3}) '
    r'(?P<size>\d+|-) "[^"]*" "(?P<agent>[^"]*)"$'
)
if source.endswith(".log"):
    lazy = (
        pl.scan_lines(source, name="line")
        .select(pl.col("line").str.extract_groups(LINE).struct.unnest())
        .filter(pl.col("status").is_not_null())
        .select(
            "client",
            pl.col("time").str.to_datetime("%d/%b/%Y:%H:%M:%S %z", time_unit="us").alias("ts"),
            pl.col("url").str.split("?").list.first().alias("path"),
            pl.col("status").cast(pl.Int32),
            pl.col("size").cast(pl.Int64, strict=False).fill_null(0).alias("bytes"),
            "agent",
        )
    )
else:
    lazy = (
        pl.scan_parquet(f"{source}/**/*.parquet", hive_partitioning=False)
        .filter(pl.col("outcome") == "request")
        .select(
            "client", pl.col("time").alias("ts"), "path", "status",
            pl.col("bytes").fill_null(0), pl.col("user_agent").alias("agent"),
        )
    )
requests = lazy.collect(engine="streaming")


def top(key):
    rows = requests.drop_nulls(key).group_by(key).len().sort(["len", key], descending=[True, False]).head(10)
    return [list(row) for row in rows.iter_rows()]


def counts(key):
    return requests.group_by(key.alias("key")).len().iter_rows()


order = requests.select("client", "agent", "ts").sort(["client", "agent", "ts"])
new = (
    pl.col("client").ne_missing(pl.col("client").shift())
    | pl.col("agent").ne_missing(pl.col("agent").shift())
    | ((pl.col("ts") - pl.col("ts").shift()) > pl.duration(seconds=1800))
)
weekday_hour = requests.group_by(pl.col("ts").dt.weekday().alias("d"), pl.col("ts").dt.hour().alias("h")).len()
by_hour = requests.group_by(pl.col("ts").dt.hour().alias("h")).agg(pl.col("client").n_unique())
answers = {
    "requests": requests.height,
    "bytes": int(requests["bytes"].sum()),
    "distinct_clients": requests["client"].n_unique(),
    "status": {str(k): n for k, n in counts(pl.col("status"))},
    "per_minute": {k.strftime("%Y-%m-%dT%H:%MZ"): n for k, n in counts(pl.col("ts").dt.truncate("1m"))},
    "top_clients": top("client"),
    "top_pages": top("path"),
    "clients_by_hour": {str(h): n for h, n in by_hour.iter_rows()},
    "sizes": [requests["bytes"].quantile(q, "linear") for q in (0.5, 0.95, 0.99)],
    "sessions": int(order.select(new.fill_null(True).sum()).item()),
    "heatmap": {f"{d}|{h}": n for d, h, n in weekday_hour.iter_rows()},
}
json.dump(answers, open(out, "w"))
