//! The speed layer, in the order of a record's way: [`source`], decode, window,
//! emit; the archiver beside it.

pub mod source;
