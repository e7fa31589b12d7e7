//! The speed layer from records to an index: the rules of DESIGN.md, and crashes anywhere.

mod crash;
mod kit;
mod rules;
mod shipped_later;
