//! "Did you mean": the known word that is nearest to an unknown one.
//! It must not guess when nothing is near.

/// The candidate that a slip of the hand turns into `word`: at most one wrong, missing, extra or swapped letter in three,
/// letter case and `-` for `_` aside.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = simplify(word);
    let bound = (plain.len() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (distance(&plain, &simplify(candidate)), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn simplify(word: &str) -> Vec<char> {
    let kept = word.chars().filter(|c| !matches!(c, '_' | '-'));
    kept.map(|c| c.to_ascii_lowercase()).take(64).collect()
}

/// Edits (change, drop, insert, swap of neighbours) between two words.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    let mut left_previous = None;
    for (i, &l) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        let mut right_previous = None;
        for (j, &r) in right.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let change = cell(&row, j) + usize::from(l != r);
            let mut best = change.min(cell(&row, j + 1) + 1).min(cell(&next, j) + 1);
            if left_previous == Some(r) && right_previous == Some(l) && j > 0 {
                best = best.min(cell(&before, j - 1) + 1);
            }
            next.push(best);
            right_previous = Some(r);
        }
        before = std::mem::replace(&mut row, next);
        left_previous = Some(l);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand() {
        let known = ["address", "access_key_id", "secret_access_key", "tls", "name", "policy", "policies"];
        for (word, expected) in [
            ("adress", Some("address")),
            ("acces_key_id", Some("access_key_id")),
            ("accessKeyId", Some("access_key_id")),
            ("secret-access-key", Some("secret_access_key")),
            ("nmae", Some("name")),
            ("polcies", Some("policies")),
            ("TLS", Some("tls")),
            ("upstream", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.iter().copied()), expected, "{word}");
        }
    }

    #[test]
    fn edits() {
        let count = |a: &str, b: &str| distance(&simplify(a), &simplify(b));
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "acb", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(count(a, b), expected, "{a} {b}");
        }
    }
}
