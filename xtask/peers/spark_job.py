"""Spark: SOURCE is a log or a folder of Parquet; the answers go to OUT as JSON."""
import json
import sys

from pyspark.sql import Window
from pyspark.sql import functions as F

from spark_common import end, parsed, session

source, out = sys.argv[1:3]
spark = session()
if source.endswith(".log"):
    requests = parsed(spark.read.text(source))
else:
    files = spark.read.option("recursiveFileLookup", "true").parquet(source).where("outcome = 'request'")
    requests = files.select(
        "client", F.col("time").alias("ts"), "path", "status",
        F.coalesce("bytes", F.lit(0)).alias("bytes"), F.col("user_agent").alias("agent"),
    )


def top(key):
    rows = requests.where(F.col(key).isNotNull()).groupBy(key).count()
    return [[row[0], row[1]] for row in rows.orderBy(F.desc("count"), F.asc(key)).limit(10).collect()]


def counts(key):
    return {str(row[0]): row[1] for row in requests.groupBy(key.alias("key")).count().collect()}


total = requests.agg(F.count("*"), F.sum("bytes"), F.countDistinct("client")).first()
hours = requests.groupBy(F.hour("ts").alias("h")).agg(F.countDistinct("client")).collect()
window = Window.partitionBy("client", "agent").orderBy("ts")
gaps = requests.select("ts", F.lag("ts").over(window).alias("before"))
new = F.col("before").isNull() | (F.col("ts").cast("long") - F.col("before").cast("long") > 1800)
days = requests.groupBy(F.weekday("ts").alias("d"), F.hour("ts").alias("h")).count().collect()
answers = {
    "requests": total[0],
    "bytes": total[1],
    "distinct_clients": total[2],
    "status": counts(F.col("status")),
    "per_minute": counts(F.date_format("ts", "yyyy-MM-dd'T'HH:mm'Z'")),
    "top_clients": top("client"),
    "top_pages": top("path"),
    "clients_by_hour": {str(row[0]): row[1] for row in hours},
    "sizes": requests.agg(F.expr("percentile(bytes, array(0.5, 0.95, 0.99))")).first()[0],
    "sessions": gaps.agg(F.sum(F.when(new, 1).otherwise(0))).first()[0],
    "heatmap": {f"{row[0] + 1}|{row[1]}": row[2] for row in days},
}
json.dump(answers, open(out, "w"))
end(spark)
