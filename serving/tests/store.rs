//! A folder does what archive and history ask of a store.

use twofold_serving::store::{Location, conformance, s3};

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let store = Location::Folder(folder.path().join("archive"));
    conformance::all(&store.open(&s3::Options::default()).unwrap()).await;
}
