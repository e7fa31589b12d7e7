"""ClickHouse in the process (chdb): SOURCE is a log or a folder of Parquet; the answers go to OUT as JSON."""
import json
import sys

from chdb import session

source, out = sys.argv[1:3]
db = session.Session()
LINE = (
    r'^(\\S+) \\S+ \\S+ \\[([^\\]]+)\\] "\\S+ (\\S+) \\S+" (\\d{3}) (\\d+|-) "[^"]*" "([^"]*)"$'
)
SETTINGS = "settings max_threads=2, max_insert_threads=2"


def run(query, form="JSONCompact"):
    said = str(db.query(f"{query} {SETTINGS}", form))
    return json.loads(said)["data"] if form == "JSONCompact" and said.strip() else None


db.query("create database if not exists d engine=Atomic")
if source.endswith(".log"):
    table = "d.requests"
    run(f"""create table d.requests engine=Memory as select f[1] client,
      parseDateTimeBestEffort(replaceOne(f[2], ':', ' '), 'UTC') ts, splitByChar('?', f[3])[1] path,
      toUInt16(f[4]) status, toInt64OrZero(f[5]) bytes, f[6] agent
      from (select extractGroups(line, '{LINE}') f from file('{source}', LineAsString, 'line String'))
      where length(f) = 6""", "Null")
else:
    table = f"""(select assumeNotNull(client) client, toDateTime(time, 'UTC') ts, path, assumeNotNull(status) status,
      ifNull(bytes, 0) bytes, user_agent agent from file('{source}/*/*/*.parquet', Parquet)
      where outcome = 'request')"""


def top(key):
    rows = run(f"select {key}, count() n from {table} where {key} is not null group by 1 order by n desc, 1 limit 10")
    return [[key, int(n)] for key, n in rows]


requests, size, clients = run(f"select count(), sum(bytes), uniqExact(client) from {table}")[0]
MINUTE = "formatDateTime(toStartOfMinute(ts), '%Y-%m-%dT%H:%iZ', 'UTC')"
answers = {
    "requests": int(requests),
    "bytes": int(size),
    "distinct_clients": int(clients),
    "status": {str(k): int(n) for k, n in run(f"select status, count() from {table} group by 1")},
    "per_minute": {k: int(n) for k, n in run(f"select {MINUTE}, count() from {table} group by 1")},
    "top_clients": top("client"),
    "top_pages": top("path"),
    "clients_by_hour": {
        str(h): int(n) for h, n in run(f"select toHour(ts), uniqExact(client) from {table} group by 1")},
    "sizes": [float(s) for s in run(f"select quantilesExactInclusive(0.5, 0.95, 0.99)(bytes) from {table}")[0][0]],
    "sessions": int(run(f"""select sum(before = 0 or toUnixTimestamp(ts) - before > 1800) from (
      select ts, lagInFrame(toUnixTimestamp(ts), 1, 0) over (partition by client, agent order by ts
      rows between unbounded preceding and unbounded following) before from {table})""")[0][0]),
    "heatmap": {f"{d}|{h}": int(n) for d, h, n in run(
        f"select toDayOfWeek(ts), toHour(ts), count() from {table} group by 1, 2")},
}
json.dump(answers, open(out, "w"))
db.close()
