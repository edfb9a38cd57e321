//! What is known beforehand: category rules, kernel names.

pub mod categories;
pub mod glob;
pub mod kernel_names;
pub mod normal_form;
