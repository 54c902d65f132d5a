//! Decide and evolve: in a large group as in a small one.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use tidings_domain::{
    Decider, KeyId,
    conversation::{ConversationCommand, ConversationDecider},
    reader::{Reader, ReaderAction, ReaderCommand, ReaderDecider, Vantage},
};

use crate::world::{AT, decided, group, message, started, user};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group_of = criterion.benchmark_group("decide");
    for people in [8, 25_000] {
        let (mut state, _) = group(people, KeyId(1));
        let (writer, reader) = (user(people / 2), user(people - 1));
        let send = ConversationCommand::Send(message(writer, KeyId(2), KeyId(3)));
        let sent = decided(&mut state, &send).remove(0);
        group_of.bench_with_input(BenchmarkId::new("send", people), &state, |bencher, state| {
            bencher.iter(|| ConversationDecider::decide(black_box(state), black_box(&send)));
        });
        let mut evolving = state.clone();
        group_of.bench_function(BenchmarkId::new("message sent, evolve", people), |bencher| {
            bencher.iter(|| ConversationDecider::evolve(black_box(&mut evolving), black_box(&sent)));
        });
        group_of.bench_with_input(BenchmarkId::new("mark read", people), &state, |bencher, state| {
            let nothing_read = Reader::default();
            bencher.iter(|| {
                let conversation = started(black_box(state));
                let floor = conversation.member(reader).expect("a member").floor();
                let vantage = Vantage { floor, last: conversation.last_seq };
                let action = ReaderAction::ReadUpTo(conversation.last_seq);
                ReaderDecider::decide(&nothing_read, &ReaderCommand { vantage, at: AT, action })
            });
        });
    }
}
