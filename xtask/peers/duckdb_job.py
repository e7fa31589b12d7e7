"""DuckDB: SOURCE is a log or a folder of Parquet; the answers go to OUT as JSON."""
import json
import sys

import duckdb

source, out = sys.argv[1:3]
db = duckdb.connect()
db.execute("set threads=2; set timezone='UTC'; set memory_limit='8GB'; set preserve_insertion_order=false")
LINE = (
    r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"$'
)
if source.endswith(".log"):
    db.execute(f"""create temp table requests as select f.client client,
      strptime(f.time, '%d/%b/%Y:%H:%M:%S %z')::timestamptz at time zone 'UTC' ts,
      split_part(f.url, '?', 1) path, f.status::int status, coalesce(try_cast(f.size as bigint), 0) bytes,
      f.agent agent
      from (select regexp_extract(line, $re${LINE}$re$, ['client', 'ident', 'user', 'time', 'method', 'url',
              'protocol', 'status', 'size', 'referrer', 'agent']) f
            from read_csv('{source}', columns={{'line': 'VARCHAR'}}, delim=E'\\x1f', quote='', escape='',
              header=false, auto_detect=false, strict_mode=false, null_padding=true))
      where f.status <> ''""")
else:
    db.execute(f"""create view requests as select client, time at time zone 'UTC' ts, path, status,
      coalesce(bytes, 0) bytes, user_agent agent
      from read_parquet('{source}/**/*.parquet', hive_partitioning=false) where outcome = 'request'""")


def ask(query):
    return db.execute(query).fetchall()


def top(key):
    query = f"select {key}, count(*) n from requests where {key} is not null group by 1 order by n desc, 1 limit 10"
    return [list(row) for row in ask(query)]


requests, size, clients = ask("select count(*), sum(bytes)::bigint, count(distinct client) from requests")[0]
answers = {
    "requests": requests,
    "bytes": size,
    "distinct_clients": clients,
    "status": {str(k): n for k, n in ask("select status, count(*) from requests group by 1")},
    "per_minute": dict(ask(
        "select strftime(date_trunc('minute', ts), '%Y-%m-%dT%H:%MZ'), count(*) from requests group by 1")),
    "top_clients": top("client"),
    "top_pages": top("path"),
    "clients_by_hour": {
        str(k): n for k, n in ask("select hour(ts), count(distinct client) from requests group by 1")},
    "sizes": [float(s) for s in ask("select quantile_cont(bytes, [0.5, 0.95, 0.99]) from requests")[0][0]],
    "sessions": int(ask("""select sum((before is null or epoch(ts) - epoch(before) > 1800)::int) from (
      select ts, lag(ts) over (partition by client, agent order by ts) before from requests)""")[0][0]),
    "heatmap": {f"{d}|{h}": n for d, h, n in ask(
        "select isodow(ts), hour(ts), count(*) from requests group by 1, 2")},
}
json.dump(answers, open(out, "w"))
