//! The index in the real engines: the conformance suite, and what only they have.

mod stack;

use stack::{Store, server};
use twofold_serving::index::{Index, conformance};

fn conforms(variable: &str) {
    let url = server(variable);
    conformance::run(|| {
        let store = Store::new(&url);
        move || Box::new(store.open()) as Box<dyn Index>
    });
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn elasticsearch_8_conforms() {
    conforms("TWOFOLD_TEST_ELASTICSEARCH");
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn elasticsearch_7_conforms() {
    conforms("TWOFOLD_TEST_ELASTICSEARCH7");
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn opensearch_conforms() {
    conforms("TWOFOLD_TEST_OPENSEARCH");
}
