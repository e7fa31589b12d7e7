//! A batch run that dies before any one of its writes to the index: readers keep the old
//! generation whole, and the next run ends as if nothing had happened.

mod site;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use site::Site;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::run::{Options, run};
use twofold_data::generate::Profile;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;
use twofold_serving::index::{
    Answer, Document, Index, IndexError, Layer, LiveDocument, PartitionState, Publication, Put,
    Query, Select,
};
use twofold_serving::query::{Range, Report, Stores, report};

/// An index whose writer dies after so many writes.
struct Mortal {
    index: Arc<dyn Index>,
    writes: AtomicI64,
}

impl Mortal {
    fn write(&self) -> Result<(), IndexError> {
        match self.writes.fetch_sub(1, Ordering::SeqCst) > 0 {
            true => Ok(()),
            false => Err(IndexError::Failed("killed".into())),
        }
    }
}

impl Index for Mortal {
    fn put(&self, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
        self.index.put(sets)
    }
    fn put_state(&self, state: &PartitionState) -> Result<Put, IndexError> {
        self.index.put_state(state)
    }
    fn state(&self, partition: &Partition) -> Result<Option<PartitionState>, IndexError> {
        self.index.state(partition)
    }
    fn states(&self) -> Result<Vec<PartitionState>, IndexError> {
        self.index.states()
    }
    fn speed_rows(&self, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError> {
        self.index.speed_rows(select)
    }
    fn stage(&self, run: &str, rows: &[RowSet], documents: &[Document]) -> Result<(), IndexError> {
        self.write()?;
        self.index.stage(run, rows, documents)
    }
    fn staged(&self, run: &str) -> Result<u64, IndexError> {
        self.index.staged(run)
    }
    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError> {
        self.write()?;
        self.index.publish(run, publication)
    }
    /// Who is dead cleans nothing up.
    fn abandon(&self, run: &str) -> Result<(), IndexError> {
        self.write()?;
        self.index.abandon(run)
    }
    fn published(&self) -> Result<Option<Publication>, IndexError> {
        self.index.published()
    }
    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError> {
        self.index.read(query)
    }
    fn extent(&self) -> Result<Option<(Minute, Minute)>, IndexError> {
        self.index.extent()
    }
    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError> {
        self.index.documents(kind, from, to)
    }
    fn put_documents(&self, documents: &[LiveDocument]) -> Result<Vec<Put>, IndexError> {
        self.write()?;
        self.index.put_documents(documents)
    }
    fn live_documents(
        &self,
        kind: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<LiveDocument>, IndexError> {
        self.index.live_documents(kind, from, to)
    }
    fn delete_documents_before(&self, kind: &str, before: Minute) -> Result<u64, IndexError> {
        self.index.delete_documents_before(kind, before)
    }
    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError> {
        self.index.delete_before(layer, grain, before)
    }
}

/// What readers are told, without the percentiles: a union of KLL sketches draws random bits.
fn told(index: &dyn Index) -> Report {
    let report = report(&Stores::new(index), Range::ALL, 10).unwrap();
    Report { sizes: None, durations: None, ..report }
}

#[test]
fn a_run_killed_before_any_write_leaves_the_old_generation_whole() {
    let site = Site::new();
    let answers = site.generate(Profile::demo(), 3_000, 6);
    let log = std::fs::read(site.log()).unwrap();
    let half = log[..log.len() / 2].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    std::fs::write(site.log(), &log[..half]).unwrap();
    site.archive();
    let index: Arc<dyn Index> = Arc::new(site.index());
    site.batch(&*index);
    let first = told(&*index);
    std::fs::write(site.log(), &log).unwrap();
    site.archive();
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    let mut deaths = 0;
    for writes in 0.. {
        let mortal = Mortal { index: Arc::clone(&index), writes: AtomicI64::new(writes) };
        let outcome = run(&archive, &history, &mortal, &Options::default(), &mut |_, _| ());
        if outcome.is_ok() {
            break;
        }
        deaths += 1;
        assert_eq!(told(&*index), first, "after {writes} writes");
    }
    assert!(deaths > 5, "{deaths}");
    let whole = told(&*index);
    assert_eq!((whole.requests, whole.bytes), (answers.requests, answers.bytes));
    assert_eq!((whole.malformed, whole.blank), (answers.malformed, answers.blank));
    assert_eq!(index.published().unwrap().unwrap().generation, 2);
}
