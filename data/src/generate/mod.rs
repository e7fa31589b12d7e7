//! The seeded generator of realistic traffic, with its exact answers.
