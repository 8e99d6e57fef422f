//! What a tenant answers when it is asked on its own ports: gateway, browser, and the browser's page for people.
//!
//! Pure: the answers as they came in, what they mean out. `cluster::probe` does the asking.

pub mod browser;
pub mod gateway;
pub mod heard;
pub mod page;

pub use self::{
    browser::{Browser, BrowserAnswers, BrowserKind, BrowserState},
    gateway::{Gateway, GatewayAnswers, GatewayCondition, GatewayState, Route},
    heard::{Answer, Heard},
    page::Page,
};

use super::{At, Uid};

/// One round of questions to one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Whom it was asked: an answer of an earlier pod says nothing of this one.
    pub pod: Uid,
    pub at: At,
    /// Also asked what may start a Chrome that was asleep.
    pub deep: bool,
    pub gateway: Gateway,
    /// `None` where the pod has no such container.
    pub browser: Option<Browser>,
    pub page: Option<Page>,
}

/// How an answer is to be taken at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Good,
    /// It works, or will, and is not as it should be.
    Impaired,
    Bad,
    /// Nothing is known: we could not ask.
    Unknown,
}
