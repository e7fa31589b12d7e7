//! The speed layer, in the order of a record's way: [`source`], decode and fold
//! ([`window`]), [`emit`]; [`speed`] drives them, [`resume`] starts them again;
//! the archiver beside it. [`ship`] is the other way: files into Kafka.

pub mod archive;
pub mod emit;
pub mod resume;
pub mod ship;
pub mod source;
pub mod speed;
pub mod window;
