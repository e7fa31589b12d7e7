//! The speed layer, in the order of a record's way: [`source`], decode and fold
//! ([`window`]), [`emit`]; [`speed`] drives them, [`resume`] starts them again;
//! the archiver beside it.

pub mod archive;
pub mod emit;
pub mod resume;
pub mod source;
pub mod speed;
pub mod window;
