//! What archive and history ask of a store. Every kind of store passes this suite; where one
//! does not, exactly-once is not to be had on it.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStoreExt, PutMode, PutOptions};

use super::Store;

/// More than the 1000 objects that one answer of S3 lists.
const MANY: usize = 1_100;

/// Runs the suite in an empty store.
///
/// # Panics
/// Where the store does not do what is asked of it.
pub async fn all(store: &Store) {
    create_is_exclusive(store).await;
    one_of_many_creates_wins(store).await;
    reading_is_of_what_was_put(store).await;
    what_is_missing_is_not_found(store).await;
    a_listing_is_whole(store).await;
    deleting_can_be_repeated(store).await;
}

async fn create(store: &Store, path: &str, body: &str) -> Result<(), Error> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let body = Bytes::copy_from_slice(body.as_bytes());
    store.put_opts(&Path::from(path), body.into(), options).await.map(drop)
}

async fn body(store: &Store, path: &str) -> Bytes {
    store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap()
}

async fn create_is_exclusive(store: &Store) {
    create(store, "logs/one", "first").await.unwrap();
    let second = create(store, "logs/one", "second").await;
    assert!(
        matches!(second, Err(Error::AlreadyExists { .. } | Error::Precondition { .. })),
        "{second:?}"
    );
    assert_eq!(body(store, "logs/one").await, "first");
}

async fn one_of_many_creates_wins(store: &Store) {
    for round in 0..10 {
        let path = format!("races/{round}");
        let bodies: Vec<String> = (0..8).map(|racer| format!("racer {racer}")).collect();
        let creates = bodies.iter().map(|body| create(store, &path, body));
        let outcomes = futures::future::join_all(creates).await;
        let winners: Vec<&String> = bodies
            .iter()
            .zip(&outcomes)
            .filter(|(_, won)| won.is_ok())
            .map(|(body, _)| body)
            .collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        assert_eq!(body(store, &path).await, winners[0].as_bytes());
    }
}

async fn reading_is_of_what_was_put(store: &Store) {
    let path = Path::from("ends/a.json");
    for text in ["0123456789", "abcdefghij"] {
        store.put(&path, Bytes::copy_from_slice(text.as_bytes()).into()).await.unwrap();
        assert_eq!(body(store, "ends/a.json").await, text);
    }
    assert_eq!(store.head(&path).await.unwrap().size, 10);
    let tail = GetOptions { range: Some(GetRange::Suffix(4)), ..GetOptions::default() };
    let tail = store.get_opts(&path, tail).await.unwrap();
    assert_eq!(tail.meta.size, 10, "the size is the whole object's");
    assert_eq!(tail.bytes().await.unwrap(), "ghij");
    let ranges = store.get_ranges(&path, &[1..3, 8..10, 0..1]).await.unwrap();
    assert_eq!(ranges, ["bc", "ij", "a"]);
}

async fn what_is_missing_is_not_found(store: &Store) {
    let nothing = Path::from("logs/nothing");
    assert!(matches!(store.get(&nothing).await, Err(Error::NotFound { .. })));
    assert!(matches!(store.head(&nothing).await, Err(Error::NotFound { .. })));
}

async fn listed(store: &Store, prefix: &str) -> Vec<String> {
    let listing = store.list(Some(&Path::from(prefix)));
    let mut paths: Vec<String> =
        listing.map_ok(|object| object.location.to_string()).try_collect().await.unwrap();
    paths.sort();
    paths
}

async fn a_listing_is_whole(store: &Store) {
    let paths: Vec<String> = (0..MANY).map(|number| format!("many/{number:05}")).collect();
    let puts = paths.iter().map(|path| create(store, path, "x"));
    futures::stream::iter(puts).buffer_unordered(16).try_collect::<Vec<_>>().await.unwrap();
    create(store, "many-more/1", "x").await.unwrap();
    assert_eq!(listed(store, "many").await, paths, "a prefix is whole folders");
    assert!(listed(store, "nothing").await.is_empty());
}

async fn deleting_can_be_repeated(store: &Store) {
    create(store, "hours/a", "x").await.unwrap();
    store.delete(&Path::from("hours/a")).await.unwrap();
    let again = store.delete(&Path::from("hours/a")).await;
    assert!(matches!(again, Ok(()) | Err(Error::NotFound { .. })), "{again:?}");
    assert!(listed(store, "hours").await.is_empty());
    create(store, "hours/a", "y").await.unwrap();
}
