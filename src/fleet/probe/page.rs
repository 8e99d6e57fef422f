//! The browser's page for people (noVNC, KasmVNC): whether something answers there.

use super::{
    Health,
    heard::{Heard, short},
};
use crate::fleet::Text;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    Answers {
        status: u16,
    },
    /// It asks who comes: it lives.
    WantsPassword,
    /// It listens and speaks something else, TLS most likely.
    OtherProtocol,
    Fails {
        status: u16,
    },
    NothingListens,
    Silent,
    Unasked {
        why: Text,
        forbidden: bool,
    },
}

impl Page {
    pub fn of(heard: &Heard) -> Self {
        match heard {
            Heard::Answer(a) if matches!(a.status, 401 | 403) => Self::WantsPassword,
            Heard::Answer(a) if a.status >= 500 => Self::Fails { status: a.status },
            Heard::Answer(a) => Self::Answers { status: a.status },
            Heard::Broken(_) => Self::OtherProtocol,
            Heard::Refused => Self::NothingListens,
            Heard::Silent => Self::Silent,
            Heard::Unasked { why, forbidden } => Self::Unasked { why: short(why), forbidden: *forbidden },
        }
    }

    pub fn health(&self) -> Health {
        match self {
            Self::Answers { .. } | Self::WantsPassword | Self::OtherProtocol => Health::Good,
            Self::Fails { .. } | Self::NothingListens | Self::Silent => Health::Bad,
            Self::Unasked { .. } => Health::Unknown,
        }
    }

    pub fn word(&self) -> &'static str {
        match self {
            Self::Answers { .. } => "answers",
            Self::WantsPassword => "wants-password",
            Self::OtherProtocol => "other-protocol",
            Self::Fails { .. } => "fails",
            Self::NothingListens => "nothing-listens",
            Self::Silent => "silent",
            Self::Unasked { forbidden: true, .. } => "forbidden",
            Self::Unasked { .. } => "unasked",
        }
    }

    pub fn sentence(&self) -> String {
        match self {
            Self::Answers { status } => format!("answers ({status})"),
            Self::WantsPassword => "answers, and asks who comes".to_owned(),
            Self::OtherProtocol => "listens, and speaks no plain HTTP".to_owned(),
            Self::Fails { status } => format!("fails ({status})"),
            Self::NothingListens => "does not listen on its port".to_owned(),
            Self::Silent => "does not answer in time".to_owned(),
            Self::Unasked { why, .. } => format!("could not be asked: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::heard::tests::heard, *};

    #[test]
    fn whatever_answers_lives() {
        for (text, word, health) in [
            ("200 html <html>", "answers", Health::Good),
            ("302 text ", "answers", Health::Good),
            ("400 html plain HTTP request was sent to HTTPS port", "answers", Health::Good),
            ("401 text ", "wants-password", Health::Good),
            ("503 text ", "fails", Health::Bad),
            ("broken", "other-protocol", Health::Good),
            ("refused", "nothing-listens", Health::Bad),
            ("silent", "silent", Health::Bad),
            ("forbidden", "forbidden", Health::Unknown),
        ] {
            let page = Page::of(&heard(text));
            assert_eq!((page.word(), page.health()), (word, health), "{text}");
        }
    }
}
