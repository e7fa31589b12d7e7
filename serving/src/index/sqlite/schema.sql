-- The speed layer's rows: one per set. What a read decides by stands before the large columns.
CREATE TABLE speed_rows (
    grain INTEGER NOT NULL,     -- minutes
    view TEXT NOT NULL,
    start INTEGER NOT NULL,     -- minutes since the Unix epoch
    topic TEXT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    finality INTEGER NOT NULL,
    body BLOB NOT NULL,
    sketches BLOB,
    UNIQUE (grain, view, start, topic, number)
);

CREATE TABLE partitions (
    topic TEXT NOT NULL,
    number INTEGER NOT NULL,
    processed_through INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (topic, number)
) WITHOUT ROWID;

-- One row per run of the batch layer that has staged something. Its rows are visible
-- once `generation` is set, which is what publishing does.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    touched_at INTEGER NOT NULL, -- ms since the Unix epoch
    generation INTEGER UNIQUE,
    cleaned INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE generations (
    generation INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

-- The batch layer's rows. Of the visible ones of one view, grain and start, that of the
-- largest generation counts; the others are removed after a publication.
CREATE TABLE exact_rows (
    id INTEGER PRIMARY KEY,
    grain INTEGER NOT NULL,
    view TEXT NOT NULL,
    start INTEGER NOT NULL,
    run INTEGER NOT NULL,
    version INTEGER NOT NULL,
    finality INTEGER NOT NULL,
    body BLOB NOT NULL,
    sketches BLOB,
    UNIQUE (grain, view, start, run)
);
CREATE INDEX exact_rows_of_run ON exact_rows (run);

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    start INTEGER NOT NULL,
    run INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (kind, name, run)
);
CREATE INDEX documents_of_run ON documents (run);
CREATE INDEX documents_by_start ON documents (kind, start);
