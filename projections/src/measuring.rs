//! How long questions take, by name.

use std::{cell::RefCell, collections::HashMap, time::Instant};

use metrics::{Counter, Histogram};

/// A question that is being answered. One that is dropped without an answer has failed.
pub(crate) struct Measured {
    question: &'static str,
    begun: Instant,
    answered: bool,
}

struct Kept {
    duration: Histogram,
    failures: Counter,
}

thread_local! {
    /// Kept once a thread: to find a histogram by its label costs more than to record in it.
    static KEPT: RefCell<HashMap<&'static str, Kept>> = RefCell::default();
}

impl Measured {
    /// Begins to measure the question that this type belongs to: that of a closure within the method that answers it.
    pub(crate) fn within<T>(_of: &T) -> Self {
        Self::named(std::any::type_name::<T>())
    }

    /// Begins to measure a question of this name.
    pub(crate) fn named(question: &'static str) -> Self {
        Self { question, begun: Instant::now(), answered: false }
    }

    /// It has an answer.
    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        KEPT.with_borrow_mut(|kept| {
            let kept = kept.entry(self.question).or_insert_with(|| {
                let name = method(self.question);
                Kept {
                    duration: metrics::histogram!("tidings_query_duration_seconds", "query" => name),
                    failures: metrics::counter!("tidings_query_failures_total", "query" => name),
                }
            });
            if self.answered {
                kept.duration.record(self.begun.elapsed());
            } else {
                kept.failures.increment(1);
            }
        });
    }
}

/// The method in the name of a closure's type, such as `<A as B>::inbox<'_, '_>::{{closure}}::{{closure}}`.
fn method(closure: &'static str) -> &'static str {
    let with_lifetimes = closure.split("::").filter(|part| !part.starts_with('{')).last();
    with_lifetimes.and_then(|name| name.split('<').next()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Asked;

    #[async_trait::async_trait]
    trait Asks {
        async fn how_many(&self, of: &str) -> &'static str;
    }

    #[async_trait::async_trait]
    impl Asks for Asked {
        async fn how_many(&self, of: &str) -> &'static str {
            method(Measured::within(&|| of.len()).question)
        }
    }

    #[tokio::test]
    async fn a_question_is_named_after_the_method_that_answers_it() {
        assert_eq!(Asked.how_many("all").await, "how_many");
    }
}
