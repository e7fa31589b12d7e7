//! twofold
fn main() {}
