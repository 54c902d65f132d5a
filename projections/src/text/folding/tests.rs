use super::*;

fn seen(text: &str) -> Vec<(Kind, String)> {
    pieces(text).into_iter().map(|piece| (piece.kind, piece.chars.into_iter().collect())).collect()
}

fn words(text: &str) -> Vec<String> {
    seen(text).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn case_and_diacritics_do_not_tell_words_apart() {
    assert_eq!(words("Crème BRÛLÉE, Ёлка Ὀδυσσεύς"), ["creme", "brulee", "елка", "οδυσσευσ"]);
    assert_eq!(words("ﬁne Ｆｕｌｌ １２"), ["fine", "full", "12"]);
}

#[test]
fn vowel_points_and_joiners_are_left_out() {
    assert_eq!(words("مُحَمَّد محـمد أحمد"), ["محمد", "محمد", "احمد"]);
    assert_eq!(words("שָׁלוֹם"), ["שלום"]);
}

#[test]
fn scripts_without_spaces_are_runs_and_emoji_stand_alone() {
    assert_eq!(
        seen("iPhoneで東京🎉🎉 ラーメン"),
        [
            (Kind::Word, "iphone".to_owned()),
            (Kind::Run, "で東京".to_owned()),
            (Kind::Symbol, "🎉".to_owned()),
            (Kind::Symbol, "🎉".to_owned()),
            (Kind::Run, "ラーメン".to_owned()),
        ]
    );
    assert_eq!(seen("👩‍👩‍👧‍👦❤"), [(Kind::Symbol, "👩‍👩‍👧‍👦".to_owned()), (Kind::Symbol, "❤️".to_owned())]);
    assert_eq!(words("ｶﾞｲﾄﾞ 한국어"), ["ガイド", "한국어"]);
    assert!(pieces("… ?! —").is_empty());
}

#[test]
fn there_are_no_emoji_among_what_is_taken_for_letters() {
    let letters = ('\u{80}'..='\u{ffff}').map(String::from).filter(|c| is_letter(c));
    assert_eq!(letters.filter(|c| Emoji::parse(c).is_ok()).collect::<String>(), "");
}

#[test]
fn what_is_simple_is_taken_as_any_cluster_is() {
    let by_clusters = |text: &str| {
        let mut pieces = Pieces { done: Vec::new(), open: None };
        for (at, cluster) in text.grapheme_indices(true) {
            take_cluster(cluster, &place(at, cluster.len()), &mut pieces);
        }
        pieces.end();
        pieces.done
    };
    for c in ('\0'..='\u{ffff}').filter(|c| is_simple(*c)) {
        let text = format!("a{c}");
        assert_eq!(pieces(&text), by_clusters(&text), "{c:?}");
    }
    let some: Vec<char> =
        "aZ7 -ßéИ你がー\r\n\u{301}\u{308}\u{600}\u{200d}\u{fe0f}\u{20e3}👩❤🇩🇪각\u{1100}\u{1161}क्षั".chars().collect();
    fastrand::seed(1);
    for _ in 0..20_000 {
        let text: String = std::iter::repeat_with(|| some[fastrand::usize(..some.len())]).take(8).collect();
        assert_eq!(pieces(&text), by_clusters(&text), "{text:?}");
    }
}

#[test]
fn plain_characters_beside_others_are_taken_with_what_belongs_to_them() {
    assert_eq!(words("a\u{308}b e\u{301}\r\nx1\u{600}2"), ["ab", "e", "x1"]);
    assert_eq!(
        seen("ok1\u{fe0f}\u{20e3}2"),
        [(Kind::Word, "ok".to_owned()), (Kind::Symbol, "1\u{fe0f}\u{20e3}".to_owned()), (Kind::Word, "2".to_owned()),]
    );
}

#[test]
fn pieces_are_the_same_one_by_one() {
    let text = "Crème 👩‍👩‍👧‍👦🎉iPhoneで東京, grüße: привет ok1\u{fe0f}\u{20e3}2";
    let mut each = Vec::new();
    each_piece(text, |kind, chars| each.push((kind, chars.iter().collect::<String>())));
    assert_eq!(each, seen(text));
}

#[test]
fn a_piece_knows_where_it_came_from() {
    let text = "Ein Straßencafé!";
    let piece = &pieces(text)[1];
    assert_eq!(&text[piece.place(0..piece.chars.len())], "Straßencafé");
    assert_eq!(&text[piece.place(7..11)], "café".get(0..).unwrap());
}
