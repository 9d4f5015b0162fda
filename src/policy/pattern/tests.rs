//! Patterns: what matches, what is no pattern, and the matcher against a naive one.
//! It must not share the code it checks.

use super::*;
use crate::clock::UnixMillis;
use crate::policy::context::{Context, Facts, KeyMap};
use crate::policy::principal::Principal;
use proptest::prelude::*;

const ALL: Syntax = Syntax { wildcards: true, variables: Variables::Closed };
const NO_WILDCARDS: Syntax = Syntax { wildcards: false, variables: Variables::Closed };
const LITERAL: Syntax = Syntax { wildcards: false, variables: Variables::Literal };

fn matches(pattern: &str, syntax: Syntax, text: &str) -> Truth {
    let map = KeyMap::from_pairs([
        ("aws:username", "alice"),
        ("aws:userid", "*"),
        ("aws:PrincipalTag/cost center", "a?b"),
        ("aws:referer", ""),
    ]);
    Pattern::parse(pattern, syntax).unwrap().matches(text.as_bytes(), Case::Exact, &Source::from(&map))
}

#[test]
fn what_matches() {
    use Truth::{No, Yes};
    for (pattern, syntax, text, expected) in [
        ("", ALL, "", Yes),
        ("", ALL, "a", No),
        ("a*", ALL, "a", Yes),
        ("a*c", ALL, "abcbc", Yes),
        ("a*c", ALL, "abcbd", No),
        ("*a*b*", ALL, "xxaxxbxx", Yes),
        ("**", ALL, "", Yes),
        ("a?c", ALL, "abc", Yes),
        ("a?c", ALL, "ac", No),
        ("?", ALL, "é", Yes),
        ("??", ALL, "é", No),
        ("*?", ALL, "é", Yes),
        ("*??", ALL, "é", No),
        ("?", ALL, "🦀", Yes),
        ("media/*/test/*", ALL, "media/1///test///object.jpg", Yes),
        ("media/*/test/*", ALL, "media/1-test/object.jpg", No),
        ("a*", ALL, "a\nb/c:d", Yes),
        ("a*", NO_WILDCARDS, "ab", No),
        ("a*", NO_WILDCARDS, "a*", Yes),
        ("${aws:username}", ALL, "alice", Yes),
        ("${AWS:UserName}", LITERAL, "${AWS:UserName}", Yes),
        ("${AWS:UserName}x", ALL, "alicex", Yes),
        ("${aws:userid}", ALL, "*", Yes),
        ("${aws:userid}", ALL, "alice", No),
        ("${aws:PrincipalTag/Cost Center}", ALL, "a?b", Yes),
        ("${aws:PrincipalTag/Cost Center}", ALL, "axb", No),
        ("home/${aws:SourceVpc}/*", ALL, "home//x", No),
        ("home/${aws:SourceVpc, 'none'}/*", ALL, "home/none/x", Yes),
        ("home/${aws:SourceVpc, ''}/*", ALL, "home//x", Yes),
        ("home/${aws:SourceVpc, '}*'}/*", ALL, "home/}*/x", Yes),
        ("home/${aws:username, 'none'}/*", ALL, "home/alice/x", Yes),
        ("home/${aws:referer, 'none'}/*", ALL, "home//x", Yes),
        ("a${*}b", ALL, "a*b", Yes),
        ("a${*}b", ALL, "axb", No),
        ("a${?}b${$}", NO_WILDCARDS, "a?b$", Yes),
        ("a$b{c}", ALL, "a$b{c}", Yes),
    ] {
        assert_eq!(matches(pattern, syntax, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn what_is_no_pattern() {
    use PatternError::{Malformed, Unterminated};
    for (pattern, error) in [
        ("${", Unterminated),
        ("a${aws:username", Unterminated),
        ("${aws:username, 'a}", Unterminated),
        ("${}", Malformed(String::new())),
        ("${ }", Malformed(" ".into())),
        ("${username}", Malformed("username".into())),
        ("${aws:username,'a'}", Malformed("aws:username,'a'".into())),
        ("${aws:username,  'a'}", Malformed("aws:username,  'a'".into())),
        ("${aws:username, 'a''b'}", Malformed("aws:username, 'a''b'".into())),
        ("${aws:${aws:userid}}", Malformed("aws:${aws:userid".into())),
        ("${**}", Malformed("**".into())),
    ] {
        assert_eq!(Pattern::parse(pattern, ALL), Err(error), "{pattern}");
    }
}

#[test]
fn a_value_that_cannot_be_known_is_no_answer() {
    let context = Context::at(UnixMillis::from_secs(0));
    let alice = Principal::from_arn("arn:aws:iam::111122223333:user/alice").unwrap();
    let source = Source::Request(Facts::new(&context, &alice, crate::policy::query::Owner::default(), None));
    let pattern = |text| Pattern::parse(text, ALL).unwrap();
    assert_eq!(pattern("${aws:userid}").matches(b"x", Case::Exact, &source), Truth::Unknown);
    assert_eq!(pattern("${aws:userid, 'x'}").matches(b"x", Case::Exact, &source), Truth::Unknown);
    assert_eq!(pattern("${aws:username}").matches(b"alice", Case::Exact, &source), Truth::Yes);
}

#[test]
fn bytes_that_are_no_utf8_count_one_each() {
    let pattern = Pattern::parse("a??", ALL).unwrap();
    assert!(pattern.matches_plain(b"a\xff\xfe", Case::Exact));
    assert!(pattern.matches_plain(b"a\xc3x", Case::Exact));
    assert!(!pattern.matches_plain(b"a\xc3\xa9", Case::Exact));
}

#[test]
fn only_ascii_letters_fold() {
    let pattern = Pattern::parse("Äbc*", ALL).unwrap();
    assert!(pattern.matches_plain("ÄBCd".as_bytes(), Case::IgnoreAscii));
    assert!(!pattern.matches_plain("äbc".as_bytes(), Case::IgnoreAscii));
    assert!(!pattern.matches_plain("ÄBC".as_bytes(), Case::Exact));
}

#[test]
fn a_hostile_pattern_stays_cheap() {
    let pattern = Pattern::parse(&"a*".repeat(500), ALL).unwrap();
    let mut text = "a".repeat(1023);
    text.insert(0, 'b');
    assert!(!pattern.matches_plain(text.as_bytes(), Case::Exact));
    let pattern = Pattern::parse(&format!("*{}b", "a*".repeat(300)), ALL).unwrap();
    assert!(!pattern.matches_plain("a".repeat(1024).as_bytes(), Case::Exact));
}

/// Tries every split: obviously right, exponentially slow.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
        Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
        Some((lit, rest)) => text.first() == Some(lit) && naive(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_the_naive_one(pattern in "[aé*?/]{0,10}", text in "[aé/*]{0,14}") {
        let compiled = Pattern::parse(&pattern, ALL).unwrap();
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(
            compiled.matches_plain(text.as_bytes(), Case::Exact),
            naive(&chars(&pattern), &chars(&text))
        );
    }

    #[test]
    fn the_literal_prefix_is_one(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        let compiled = Pattern::parse(&pattern, ALL).unwrap();
        if compiled.matches_plain(text.as_bytes(), Case::Exact) {
            prop_assert!(text.as_bytes().starts_with(compiled.literal_prefix()));
        }
    }

    #[test]
    fn reading_never_panics(pattern in "(\\$|\\{|\\}|'|,| |:|\\*|.){0,20}") {
        let _ = Pattern::parse(&pattern, ALL);
    }
}
