//! What demonstrations are made of.

/// First and last names. The username is the first name in small letters.
pub(super) const PEOPLE: [(&str, &str); 24] = [
    ("Ada", "Lovelace"),
    ("Grace", "Hopper"),
    ("Alan", "Turing"),
    ("Katherine", "Johnson"),
    ("Edsger", "Dijkstra"),
    ("Barbara", "Liskov"),
    ("Claude", "Shannon"),
    ("Hedy", "Lamarr"),
    ("Donald", "Knuth"),
    ("Radia", "Perlman"),
    ("Ken", "Thompson"),
    ("Margaret", "Hamilton"),
    ("Dennis", "Ritchie"),
    ("Frances", "Allen"),
    ("Tony", "Hoare"),
    ("Shafi", "Goldwasser"),
    ("Leslie", "Lamport"),
    ("Karen", "Jones"),
    ("Niklaus", "Wirth"),
    ("Annie", "Easley"),
    ("Vint", "Cerf"),
    ("Joan", "Clarke"),
    ("Whitfield", "Diffie"),
    ("Mary", "Keller"),
];

pub(super) const GROUPS: [&str; 8] =
    ["Tea at four", "Release train", "Garden", "Night watch", "Book club", "Lost and found", "Choir", "Roof terrace"];

pub(super) const SUBJECTS: [&str; 6] =
    ["Next week", "The notes you asked for", "Two questions", "Travel plans", "Invitation", "Minutes of the meeting"];

pub(super) const SENTENCES: [&str; 28] = [
    "Good morning! Is anybody in already?",
    "I have put the notes on the table.",
    "Who takes the minutes today?",
    "That was quicker than I thought.",
    "Could somebody look at this before noon?",
    "It rains again. The roof holds.",
    "I will be ten minutes late, start without me.",
    "There is cake left in the kitchen.",
    "Do we meet on Thursday or on Friday?",
    "Friday suits me better.",
    "I have read it twice and still like it.",
    "Let us leave that for next week.",
    "The figures are in, and they are good.",
    "Has anyone seen my umbrella?",
    "It is the blue one.",
    "Found it. Thank you all!",
    "What do you think of the second draft?",
    "Shorter, and much clearer.",
    "I would drop the third paragraph.",
    "Agreed.",
    "See you at the station at seven.",
    "Bring the long cable, please.",
    "It works on the first try, which worries me.",
    "We should write that down.",
    "Done. Have a look when you find the time.",
    "¡Hola! Llego mañana por la tarde.",
    "明日の会議は十時からです。",
    "Wer kümmert sich um die Blumen?",
];

pub(super) const REACTIONS: [&str; 8] = ["👍", "❤️", "😂", "🎉", "👀", "🙏", "🔥", "✅"];
