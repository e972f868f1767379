//! What is known of each setting, as data: one row a setting. Adding a setting is adding a row.
#![forbid(unsafe_code)]
