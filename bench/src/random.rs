//! A small seeded generator (`SplitMix64`), so that every run on every machine makes the same data.

/// The seed of all generated data.
pub(crate) const SEED: u64 = 0x5EED_0F71_D146_5EED;

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(stream: u64) -> Self {
        Self(SEED ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to `bound`, which is excluded and not 0. The bias of the remainder is far below what data needs.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        usize::try_from(self.next() % bound).expect("below a usize")
    }

    /// True in `part` of `of` draws.
    pub(crate) fn one_in(&mut self, part: usize, of: usize) -> bool {
        self.below(of) < part
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Puts things into another order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }

    /// Words of chat up to about `bytes` bytes, never empty.
    pub(crate) fn text(&mut self, bytes: usize) -> String {
        let mut text = String::from(*self.pick(&WORDS));
        while text.len() < bytes {
            text.push(' ');
            if self.one_in(1, RARE) {
                text.push_str(&self.rare_word());
            } else {
                text.push_str(self.pick::<&str>(&WORDS));
            }
        }
        text
    }

    /// One of some thousands of made words, some of them much more often than others.
    pub(crate) fn rare_word(&mut self) -> String {
        let most = 1 + self.below(SYLLABLES.len().pow(3));
        let mut number = self.below(most);
        let mut word = String::new();
        for _ in 0..3 {
            word.push_str(SYLLABLES[number % SYLLABLES.len()]);
            number /= SYLLABLES.len();
        }
        word
    }

    /// Two words that many texts have.
    pub(crate) fn two_words(&mut self) -> [&'static str; 2] {
        [*self.pick(&COMMON), *self.pick(&COMMON)]
    }
}

/// Of so many words one is a rare one.
const RARE: usize = 5;
const SYLLABLES: [&str; 16] =
    ["ka", "ro", "mi", "ten", "lu", "sor", "pe", "van", "di", "gho", "zu", "ber", "fa", "lim", "no", "qui"];
/// Of the words below, some that a search may look for.
const COMMON: [&str; 8] = ["install", "driver", "permission", "reboot", "thanks", "version", "kernel", "update"];

const WORDS: [&str; 40] = [
    "how",
    "do",
    "i",
    "install",
    "the",
    "driver",
    "for",
    "my",
    "card",
    "it",
    "says",
    "permission",
    "denied",
    "try",
    "sudo",
    "apt-get",
    "update",
    "then",
    "reboot",
    "thanks",
    "works",
    "now",
    ":)",
    "no",
    "idea",
    "which",
    "version",
    "are",
    "you",
    "on",
    "64bit",
    "kernel",
    "grüße",
    "привет",
    "ありがとう",
    "你好",
    "merci",
    "señor",
    "/etc/fstab",
    "👍",
];
