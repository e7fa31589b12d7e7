//! A real S3 server does what archive and history ask of a store, also when one call in five fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};
use twofold_serving::store::{Store, conformance, s3};
use twofold_test_kit::proxy::{Call, Proxy, Verdict};
use twofold_test_kit::servers;

fn options(endpoint: &str) -> s3::Options {
    s3::Options { endpoint: endpoint.to_owned(), allow_http: true, ..s3::Options::default() }
}

fn account(secret: &str) -> s3::Environment {
    let pairs =
        [("AWS_ACCESS_KEY_ID", servers::s3().key.as_str()), ("AWS_SECRET_ACCESS_KEY", secret)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
    pairs.into()
}

/// A bucket of this test's own, asked for at `endpoint`.
async fn store(name: &str, endpoint: &str) -> Store {
    let server = servers::s3();
    let (bucket, account) = (format!("{name}-{}", std::process::id()), account(&server.secret));
    s3::make_bucket(&bucket, &options(&server.endpoint), &account).await.unwrap();
    s3::open(&bucket, "a/prefix", &options(endpoint), &account).unwrap()
}

#[tokio::test]
#[ignore = "needs the servers that cargo xtask test starts"]
async fn a_bucket_conforms() {
    conformance::all(&store("conforms", &servers::s3().endpoint).await).await;
}

/// One call in five fails, each time in another way: refused, done but said to have failed, broken
/// before and after, slowed down.
fn faulty(failures: Arc<AtomicU64>) -> impl Fn(&Call) -> Verdict {
    move |call| {
        if call.number % 5 != 2 {
            return Verdict::Pass;
        }
        match failures.fetch_add(1, Ordering::Relaxed) % 5 {
            0 => Verdict::answer(503, "<Error><Code>SlowDown</Code></Error>"),
            1 => Verdict::change(|mut answer| {
                answer.status = 500;
                answer
            }),
            2 => Verdict::Break,
            3 => Verdict::BreakAfter,
            _ => Verdict::answer(500, "<Error><Code>InternalError</Code></Error>"),
        }
    }
}

#[tokio::test]
#[ignore = "needs the servers that cargo xtask test starts"]
async fn nothing_is_lost_when_one_call_in_five_fails() {
    let failures = Arc::new(AtomicU64::new(0));
    let proxy = Proxy::start(&servers::s3().endpoint, faulty(Arc::clone(&failures)));
    let store = store("faults", &proxy.url()).await;
    // Creating may be told "it is there" of what it created itself; the content says whose it is.
    for number in 0..100 {
        let (path, body) = (Path::from(format!("logs/{number}")), format!("file {number}"));
        let options = object_store::PutMode::Create.into();
        let created = store.put_opts(&path, body.clone().into(), options).await;
        assert!(matches!(created, Ok(_) | Err(Error::AlreadyExists { .. })), "{created:?}");
        let read = store.get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(read, body.as_bytes());
        store.put(&Path::from("ends/end"), body.into()).await.unwrap();
    }
    assert!(failures.load(Ordering::Relaxed) > 50, "the faults happened");
}

#[tokio::test]
#[ignore = "needs the servers that cargo xtask test starts"]
async fn a_create_that_meets_another_one_is_tried_again() {
    let proxy = Proxy::start(&servers::s3().endpoint, |_| Verdict::Pass);
    let store = store("conflict", &proxy.url()).await;
    let met = Mutex::new(BTreeSet::new());
    proxy.set(move |call| {
        if call.method != "PUT" || !met.lock().unwrap().insert(call.target.clone()) {
            return Verdict::Pass;
        }
        Verdict::answer(409, "<Error><Code>ConditionalRequestConflict</Code></Error>")
    });
    for number in 0..4 {
        let path = Path::from(format!("logs/{number}"));
        let put = store.put_opts(&path, "x".into(), object_store::PutMode::Create.into()).await;
        put.unwrap();
    }
}

/// The layers wait on small runtimes of their own, which stand still in between.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn stores_are_shared_by_threads_with_runtimes_of_their_own() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let store = first.block_on(store("shared", &servers::s3().endpoint));
    let begin = std::time::Instant::now();
    for number in 0..20 {
        let path = Path::from(format!("{number}"));
        first.block_on(store.put(&path, "x".into())).unwrap();
        second.block_on(store.get(&path)).unwrap();
    }
    let seen = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for number in 0..4 {
            let (store, seen) = (Arc::clone(&store), &seen);
            scope.spawn(move || {
                let head = runtime().block_on(store.head(&Path::from(format!("{number}"))));
                seen.lock().unwrap().insert(head.unwrap().location);
            });
        }
    });
    assert_eq!(seen.into_inner().unwrap().len(), 4);
    assert!(begin.elapsed().as_secs() < 20, "no call waited for another one's runtime");
}

#[tokio::test]
#[ignore = "needs the servers that cargo xtask test starts"]
async fn a_wrong_secret_is_refused_and_not_shown() {
    let server = servers::s3();
    let secret = "not-the-secret-of-the-server";
    let store = s3::open("any", "", &options(&server.endpoint), &account(secret)).unwrap();
    let error = store.get(&Path::from("a")).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    for text in [format!("{error}"), format!("{error:?}"), format!("{store:?}")] {
        assert!(!text.contains(secret), "{text}");
    }
}
