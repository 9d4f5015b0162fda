//! The regions that a SigV4A signature is good for: a list of names with `*` for any run of characters.
//! It must not trim or split a list in any other way than S3 was seen to do.

/// The first of the accepted regions that the set names. Letter case does not count, `?` stands for itself, and white
/// space belongs to a name.
pub(in crate::auth) fn matching<'r>(set: &[u8], accepted: &'r [String]) -> Option<&'r str> {
    let named = |region: &&String| {
        set.split(|&byte| byte == b',').any(|name| !name.is_empty() && matches(name, region.as_bytes()))
    };
    accepted.iter().find(named).map(String::as_str)
}

/// Matches a name with `*` in it, by going back to the last `*` only: linear in the product of the lengths at worst.
fn matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            ([], []) => return true,
            ([expected, more @ ..], [found, rest @ ..]) if expected.eq_ignore_ascii_case(found) => {
                (pattern, text) = (more, rest);
            }
            _ => match retry {
                Some((after, [_, rest @ ..])) => {
                    retry = Some((after, rest));
                    (pattern, text) = (after, rest);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(set: &str, expected: Option<&str>) {
        let accepted = ["us-east-1".to_owned(), "eu-west-1".to_owned()];
        assert_eq!(matching(set.as_bytes(), &accepted), expected, "{set}");
    }

    #[test]
    fn names_of_regions() {
        for set in ["us-east-1", "*", "us-*", "US-EAST-1", "x,us-east-1", ",,us-east-1", "*-*-1", "us**1"] {
            check(set, Some("us-east-1"));
        }
        check("eu-west-1,ap-*", Some("eu-west-1"));
        check("eu-west-1,us-east-1", Some("us-east-1"));
        for set in
            ["", ",", "us-west-2", "us-east-", "us-east-1 ", " us-east-1", "us-east-?", "us-?*-1", "*2"]
        {
            check(set, None);
        }
        assert_eq!(matching(b"*", &[]), None);
    }

    /// The slow way: every split of the text at every `*`.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            [first, rest @ ..] => text.first().is_some_and(|byte| byte == first) && slow(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn stars_match_as_by_trying_everything(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
