-- Documents outside of generations, such as spikes: the largest version of each.
CREATE TABLE live_documents (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    start INTEGER NOT NULL,     -- minutes since the Unix epoch
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX live_documents_by_start ON live_documents (kind, start);
