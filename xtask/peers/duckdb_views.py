"""DuckDB: twofold's views by minute, hour and day from its archive, as far as no classes are needed."""
import json
import sys

import duckdb

source, out = sys.argv[1:3]
db = duckdb.connect()
db.execute("set threads=2; set timezone='UTC'; set memory_limit='8GB'; set preserve_insertion_order=false")
db.execute(f"""create view requests as select client, time at time zone 'UTC' ts, method, path, status,
  coalesce(bytes, 0) bytes, regexp_extract(referrer, '://([^/?#:]+)', 1) referrer, user_agent
  from read_parquet('{source}/**/*.parquet', hive_partitioning=false) where outcome = 'request'""")
MEASURES = """count(*) requests, sum(bytes) bytes, count_if(status = 404) not_found,
  count_if(status between 400 and 499) client_errors, count_if(status between 500 and 599) server_errors"""
VIEWS = {
    "statuses": ("status", "true"),
    "methods": ("method", "true"),
    "clients": ("client", "true"),
    "pages": ("path", "true"),
    "errors": ("path", "status = 404 or status between 500 and 599"),
    "referrers": ("referrer", "referrer <> ''"),
    "agents": ("user_agent", "true"),
}
answers = {"rows": {}}
for grain in ("minute", "hour", "day"):
    span = f"date_trunc('{grain}', ts)"
    traffic = db.execute(f"""select {span} start, {MEASURES}, count(distinct client) clients,
      quantile_disc(bytes, [0.5, 0.9, 0.95, 0.99]) sizes from requests group by 1""").fetchall()
    answers["rows"][f"traffic/{grain}"] = len(traffic)
    for view, (key, only) in VIEWS.items():
        rows = db.execute(f"""select start, key, requests, bytes, not_found, client_errors, server_errors from (
          select *, row_number() over (partition by start order by requests desc, key) place from (
            select {span} start, {key} key, {MEASURES} from requests
            where {only} and {key} is not null group by 1, 2)) where place <= 100
          order by start, requests desc, key""").fetchall()
        answers["rows"][f"{view}/{grain}"] = len(rows)
        if grain == "day" and view in ("clients", "pages"):
            answers[f"top_{view}"] = [[row[1], row[2]] for row in rows[:10]]
        if grain == "day" and view == "statuses":
            answers["status"] = {str(row[1]): row[2] for row in rows}
    answers["requests"] = sum(row[1] for row in traffic)
    answers["bytes"] = int(sum(row[2] for row in traffic))
json.dump(answers, open(out, "w"))
