//! Small pieces that views are drawn with.

pub(crate) mod bar;
pub(crate) mod boxed;
pub(crate) mod field;
pub(crate) mod paint;
pub(crate) mod timeline;
pub(crate) mod wrap;
