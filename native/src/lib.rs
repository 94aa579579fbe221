//! The addon: what native/load.d.cts declares, over `vecstash-core`. Each function crosses once for a whole batch.
//!
//! Every function first collects the JavaScript values it was given, then looks at their memory, and runs no JavaScript from there
//! until it is done: nothing can move, shrink or detach what it reads and writes.

// napi exports nothing in a test build, which is a target of `cargo clippy --all-targets` all the same.
#![cfg_attr(test, allow(dead_code))]

mod batch;
mod digests;
mod frames;
mod js;
mod later;
mod values;
mod vectors;

use napi_derive::napi;

/// The package's version, which native/load.cjs compares with its own.
#[napi]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
