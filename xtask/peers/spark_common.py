"""What both Spark jobs share: the session, the parse, an end that leaves no CPU time uncounted."""
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

LINE = (
    r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"$'
)
GROUPS = {
    "client": 1, "user": 3, "time": 4, "method": 5, "url": 6, "protocol": 7, "status": 8, "size": 9,
    "referrer": 10, "agent": 11,
}


def session(jars=""):
    made = (
        SparkSession.builder.master("local[2]").config("spark.jars", jars)
        .config("spark.driver.memory", "4g").config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", 4)
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("ERROR")
    return made


def parsed(lines):
    """The requests of a column `value`. One match a line instead of one a field: the faster of the two usual ways."""
    mark = "\u0001"
    joined = F.regexp_replace("value", LINE, mark.join(f"${at}" for at in GROUPS.values()))
    fields = lines.select(F.split(joined, mark).alias("f")).where(F.size("f") == len(GROUPS))
    raw = fields.select(*[F.col("f")[at].alias(name) for at, name in enumerate(GROUPS)])
    return raw.withColumns({
        "ts": F.to_timestamp("time", "dd/MMM/yyyy:HH:mm:ss Z"),
        "path": F.split("url", r"\?").getItem(0),
        "status": F.col("status").cast("int"),
        "bytes": F.coalesce(F.col("size").cast("long"), F.lit(0)),
    })


def end(spark):
    """Stops Spark and waits for its JVM: only a child that was waited for is counted."""
    gateway = SparkContext._gateway
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
