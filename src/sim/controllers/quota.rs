//! placeholder
use super::{Controller, Ctx};
use crate::sim::store::Change;
use jiff::Timestamp;
pub(crate) struct Quotas;
impl Quotas { pub(crate) fn new(_: Ctx) -> Self { Self } }
impl Controller for Quotas {
    fn observe(&mut self, _: &Change) {}
    fn relist(&mut self) {}
    fn next_due(&mut self) -> Option<Timestamp> { None }
    fn step(&mut self) -> bool { false }
}
