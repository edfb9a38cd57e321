//! What a report says, before anyone draws it.

pub mod model;
