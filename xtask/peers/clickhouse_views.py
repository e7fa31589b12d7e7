"""ClickHouse (chdb): twofold's views by minute, hour and day from its archive, as far as no classes are needed."""
import json
import sys

from chdb import session

source, out = sys.argv[1:3]
db = session.Session()


def run(query):
    return json.loads(str(db.query(f"{query} settings max_threads=2", "JSONCompact")))["data"]


TABLE = f"""(select client, toDateTime(time, 'UTC') ts, method, path, assumeNotNull(status) status,
  ifNull(bytes, 0) bytes, extract(ifNull(referrer, ''), '://([^/?#:]+)') referrer, user_agent
  from file('{source}/*/*/*.parquet', Parquet) where outcome = 'request')"""
MEASURES = """count() requests, sum(bytes) sum_bytes, countIf(status = 404) not_found,
  countIf(status between 400 and 499) client_errors, countIf(status between 500 and 599) server_errors"""
VIEWS = {
    "statuses": ("status", "1"),
    "methods": ("method", "1"),
    "clients": ("client", "1"),
    "pages": ("path", "1"),
    "errors": ("path", "status = 404 or status between 500 and 599"),
    "referrers": ("referrer", "referrer <> ''"),
    "agents": ("user_agent", "1"),
}
answers = {"rows": {}}
for grain, span in (("minute", "toStartOfMinute(ts)"), ("hour", "toStartOfHour(ts)"), ("day", "toStartOfDay(ts)")):
    traffic = run(f"""select {span} start, {MEASURES}, uniqExact(client) clients,
      quantilesExact(0.5, 0.9, 0.95, 0.99)(bytes) sizes from {TABLE} group by 1""")
    answers["rows"][f"traffic/{grain}"] = len(traffic)
    for view, (key, only) in VIEWS.items():
        rows = run(f"""select {span} start, {key} key, {MEASURES} from {TABLE}
          where ({only}) and {key} is not null group by 1, 2 order by start, requests desc, key limit 100 by start""")
        answers["rows"][f"{view}/{grain}"] = len(rows)
        if grain == "day" and view in ("clients", "pages"):
            answers[f"top_{view}"] = [[row[1], int(row[2])] for row in rows[:10]]
        if grain == "day" and view == "statuses":
            answers["status"] = {str(row[1]): int(row[2]) for row in rows}
    answers["requests"] = sum(int(row[1]) for row in traffic)
    answers["bytes"] = sum(int(row[2]) for row in traffic)
json.dump(answers, open(out, "w"))
db.close()
