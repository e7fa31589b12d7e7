//! The index in the real engines: the conformance suite, and what only they have.

mod stack;

use stack::Store;
use twofold_serving::index::Index;
use twofold_serving::index::conformance::{self, Races};
use twofold_test_kit::servers::variable;

fn conforms(name: &str) {
    let url = variable(name);
    // A publication takes about a second here.
    conformance::run_with(Races { rounds: 6, generations: 12 }, || {
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
