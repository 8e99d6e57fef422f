//! What a page reads when a person opens it: a question, and what was answered last.

use crate::{
    cluster::{EventLine, ObjectName, Objects, Said},
    fleet::{At, Uid},
};

/// Questions that are on their way at once.
pub(crate) const AT_ONCE: usize = 4;
/// Answers that are remembered.
const KEPT: usize = 8;

/// Something to read from the cluster. Namespaces and pods are those of the tenant that is on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The last lines of a container's log. `pod_uid` is whose log is meant: an answer is shown beside no other pod.
    LogEnd {
        namespace: String,
        pod: String,
        pod_uid: Uid,
        container: String,
    },
    /// Events of a namespace, ordinary ones too.
    Events {
        namespace: String,
    },
    Objects {
        namespace: String,
    },
    Yaml {
        namespace: String,
        object: ObjectName,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Lines(Vec<String>),
    /// The latest last.
    Log(Vec<Said>),
    Events(Vec<EventLine>),
    Objects(Objects),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One sentence.
    pub why: String,
    /// A right is missing: asking again by itself would only be refused again.
    pub stands: bool,
}

/// An answer, and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) at: At,
    pub(crate) answer: Result<Answer, Refusal>,
}

/// What was asked, and what came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    waiting: Vec<Ask>,
    told: Vec<(Ask, Told)>,
}

impl Asked {
    /// Notes that it is asked now; `false` if it is on its way already, or too much is.
    pub(crate) fn begin(&mut self, ask: &Ask) -> bool {
        let free = !self.waiting.contains(ask) && self.waiting.len() < AT_ONCE;
        if free {
            self.waiting.push(ask.clone());
        }
        free
    }

    /// An answer that nobody waits for, as of a cluster that was left, is dropped.
    pub(crate) fn end(&mut self, ask: Ask, answer: Result<Answer, Refusal>, at: At) {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| *waiting != ask);
        if self.waiting.len() == before {
            return;
        }
        self.told.retain(|(told, _)| *told != ask);
        if self.told.len() == KEPT {
            self.told.remove(0);
        }
        self.told.push((ask, Told { at, answer }));
    }

    pub(crate) fn told(&self, ask: &Ask) -> Option<&Told> {
        self.told.iter().find(|(told, _)| told == ask).map(|(_, told)| told)
    }

    /// The logs of a namespace may not be read, as was said for any of its containers.
    pub(crate) fn logs_are_refused(&self, of: &str) -> bool {
        self.told.iter().any(|(ask, told)| {
            matches!(ask, Ask::LogEnd { namespace, .. } if namespace == of)
                && matches!(&told.answer, Err(refusal) if refusal.stands)
        })
    }

    /// Forgets what was refused: a person wants it tried again.
    pub(crate) fn forgive(&mut self) {
        self.told.retain(|(_, told)| told.answer.is_ok());
    }

    pub(crate) fn waits_for(&self, ask: &Ask) -> bool {
        self.waiting.contains(ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    fn ask(n: u128) -> Ask {
        let (namespace, pod, container) = ("n".to_owned(), "p".to_owned(), "c".to_owned());
        Ask::LogEnd { namespace, pod, pod_uid: uid(n), container }
    }

    fn refusal(why: &str, stands: bool) -> Refusal {
        Refusal { why: why.to_owned(), stands }
    }

    #[test]
    fn a_missing_right_is_remembered_until_somebody_wants_it_tried_again() {
        let mut asked = Asked::default();
        for (n, stands, refused) in [(1, false, false), (2, true, true)] {
            asked.begin(&ask(n));
            asked.end(ask(n), Err(refusal("no", stands)), at(1));
            assert_eq!((asked.logs_are_refused("n"), asked.logs_are_refused("other")), (refused, false));
        }
        asked.forgive();
        assert!(!asked.logs_are_refused("n") && asked.told(&ask(1)).is_none());
    }

    #[test]
    fn no_more_than_a_few_are_on_their_way_and_none_twice() {
        let mut asked = Asked::default();
        assert!(asked.begin(&ask(1)));
        assert!(!asked.begin(&ask(1)));
        for n in 2..=4 {
            assert!(asked.begin(&ask(n)));
        }
        assert!(!asked.begin(&ask(5)), "too much at once");
        asked.end(ask(1), Ok(Answer::Lines(vec![])), at(1));
        assert!(asked.begin(&ask(5)) && asked.told(&ask(1)).is_some() && !asked.waits_for(&ask(1)));
        asked.end(ask(99), Err(refusal("late", false)), at(1));
        assert_eq!(asked.told(&ask(99)), None, "nobody waits for it");
    }

    #[test]
    fn answers_are_bounded_and_the_latest_counts() {
        let mut asked = Asked::default();
        for n in 0..40 {
            assert!(asked.begin(&ask(n)));
            asked.end(ask(n), Ok(Answer::Lines(vec![])), at(1));
        }
        assert_eq!(asked.told.len(), KEPT);
        assert!(asked.begin(&ask(39)));
        asked.end(ask(39), Err(refusal("gone", false)), at(2));
        assert_eq!(asked.told(&ask(39)).map(|t| t.at), Some(at(2)));
        assert_eq!(asked.told.len(), KEPT);
    }
}
