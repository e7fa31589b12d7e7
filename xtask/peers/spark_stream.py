"""Spark Structured Streaming: SOURCE is `speed:HOST:PORT/TOPIC` or `archive:HOST:PORT/TOPIC`; the answers go to OUT.

`speed` keeps three aggregates a minute: requests by status, the ten busiest clients, the ten busiest pages. Each is a query of
its own with its own read of the topic, which is how Structured Streaming does several aggregations of one source. `archive`
writes the parsed lines to Parquet by date and hour. Both read what there is and end (`availableNow`).
"""
import glob
import json
import os
import shutil
import sys

from pyspark.sql import Window
from pyspark.sql import functions as F

from spark_common import end, parsed, session

source, out = sys.argv[1:3]
job, address = source.split(":", 1)
broker, topic = address.split("/")
spark = session(jars=",".join(glob.glob(os.environ["SPARK_KAFKA_JARS"] + "/*.jar")))
work = out + ".spark"
shutil.rmtree(work, ignore_errors=True)


def requests():
    lines = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", broker)
        .option("subscribe", topic).option("startingOffsets", "earliest").load()
    )
    return parsed(lines.select(F.col("value").cast("string")))


def started(stream, name):
    return stream.option("checkpointLocation", f"{work}/{name}").trigger(availableNow=True).start()


found = {}


def kept(name):
    """The sink: the rows of each batch, in memory, so that the answers can be checked."""
    def take(rows, _):
        for row in rows.collect():
            found.setdefault(name, {})[(row[0], row[1])] = row[2]
    return take


def ranked(name, key):
    order = Window.partitionBy("minute").orderBy(F.desc("count"), F.asc(key))
    take = kept(name)
    return lambda rows, batch: take(rows.withColumn("rank", F.row_number().over(order)).where("rank <= 10"), batch)


def per_minute(key):
    counted = requests().withWatermark("ts", "2 minutes").groupBy(F.window("ts", "1 minute"), key).count()
    return counted.select(F.col("window.start").alias("minute"), key, "count")


def speed():
    queries = [started(per_minute("status").writeStream.outputMode("update").foreachBatch(kept("status")), "status")]
    for key in ("client", "path"):
        # A minute is ranked once, when the watermark has closed it.
        ranks = per_minute(key).writeStream.outputMode("append").foreachBatch(ranked(key, key))
        queries.append(started(ranks, key))
    for query in queries:
        query.awaitTermination()
    status = {}
    for (_, code), count in found["status"].items():
        status[str(code)] = status.get(str(code), 0) + count
    return {"requests": sum(status.values()), "status": status}


def archive():
    days = requests().withColumn("date", F.to_date("ts")).withColumn("hour", F.hour("ts"))
    parquet = days.writeStream.format("parquet").option("path", f"{work}/parquet").partitionBy("date", "hour")
    query = started(parquet, "archive")
    query.awaitTermination()
    return {"requests": spark.read.parquet(f"{work}/parquet").count()}


answers = {"speed": speed, "archive": archive}[job]()
json.dump(answers, open(out, "w"))
end(spark)
shutil.rmtree(work, ignore_errors=True)
