//! Who is named by an entry, and who is exempt by `NotPrincipal`.
//! It must not test decisions: those are in `decide`.

use super::*;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const ROLE: &str = "arn:aws:iam::111122223333:role/up";
const PATH_ROLE: &str = "arn:aws:iam::111122223333:role/team/up";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/up/s1";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/f";

fn rule(negated: bool, entries: &[&str]) -> PrincipalRule {
    PrincipalRule::new(negated, entries.iter().map(|text| Entry::parse_aws(text).unwrap()).collect())
}

#[test]
fn what_an_entry_is() {
    for (text, error) in [
        ("arn:aws:iam::*:user/x", EntryError::Wildcard),
        ("arn:aws:iam::111122223333:user/x?", EntryError::Wildcard),
        ("11112222333", EntryError::Malformed),
        ("alice", EntryError::Malformed),
        ("", EntryError::Malformed),
        ("arn:aws:iam::111122223333:user/", EntryError::Malformed),
        ("arn:aws:iam::111122223333:user//x", EntryError::Malformed),
        ("arn:aws:iam::111122223333:group/x", EntryError::Malformed),
        ("arn:aws:iam::111122223333:root/x", EntryError::Malformed),
        ("arn:aws:iam:us-east-1:111122223333:user/x", EntryError::Malformed),
        ("arn:aws:iam::111122223333:role/", EntryError::Malformed),
        ("arn:aws:sts::111122223333:federated-user/", EntryError::Malformed),
        ("arn:aws:sts::111122223333:assumed-role/up", EntryError::Malformed),
        ("arn:aws:sts::111122223333:assumed-role/up/", EntryError::Malformed),
        ("arn:aws:sts::111122223333:assumed-role/up/s/t", EntryError::Malformed),
        ("arn:aws:s3:::media", EntryError::Malformed),
        ("arn:gcp:iam::111122223333:user/x", EntryError::Malformed),
    ] {
        assert_eq!(Entry::parse_aws(text), Err(error), "{text}");
    }
    assert_eq!(Entry::parse_aws("AIDAJQABLZS4A3QDU576Q"), Ok(Entry::Nobody("AIDAJQABLZS4A3QDU576Q".into())));
    assert_eq!(Entry::parse_aws("111122223333"), Entry::parse_aws(ROOT));
}

#[test]
fn somebody_unknown_is_in_every_deny_and_in_no_allow_but_for_everybody() {
    use Effect::{Allow, Deny};
    let deleted = "AIDAJQABLZS4A3QDU576Q";
    for (negated, listed, effect, expected, certainty) in [
        (false, &["*"][..], Allow, true, Truth::Yes),
        (false, &["*"], Deny, true, Truth::Yes),
        (false, &["*", ALICE], Deny, true, Truth::Yes),
        (false, &[ALICE], Allow, false, Truth::Unknown),
        (false, &[ALICE], Deny, true, Truth::Unknown),
        (false, &[ROOT, ROLE], Allow, false, Truth::Unknown),
        (false, &[ROOT, ROLE], Deny, true, Truth::Unknown),
        (false, &[deleted], Deny, true, Truth::Unknown),
        (true, &[ALICE], Allow, false, Truth::Unknown),
        (true, &[ALICE], Deny, true, Truth::Unknown),
        (true, &["*"], Allow, false, Truth::Unknown),
        (true, &["*"], Deny, false, Truth::Unknown),
    ] {
        let (rule, unknown) = (rule(negated, listed), Principal::unknown());
        let grant = expected.then_some(Grant::Everyone);
        assert_eq!(rule.grant(&unknown, effect), grant, "{negated} {listed:?} {effect:?}");
        assert_eq!(rule.certainty(&unknown), certainty, "{negated} {listed:?}");
        assert_eq!(rule.certainty(&Principal::from_arn(ALICE).unwrap()), Truth::Yes);
    }
}

#[test]
fn who_is_named_and_who_exempt() {
    use Effect::{Allow, Deny};
    for (negated, listed, principal, effect, expected) in [
        (false, "*", ALICE, Allow, Some(Grant::Everyone)),
        (false, ALICE, ALICE, Allow, Some(Grant::Direct)),
        (false, "arn:aws:iam::111122223333:user/Alice", ALICE, Allow, None),
        (false, ROOT, ALICE, Allow, Some(Grant::Account)),
        (false, "444455556666", ALICE, Deny, None),
        (false, ROLE, SESSION, Allow, Some(Grant::Role)),
        (false, ROLE, ROLE, Allow, Some(Grant::Role)),
        (false, SESSION, SESSION, Allow, Some(Grant::Direct)),
        (false, "arn:aws:sts::111122223333:assumed-role/up/s2", SESSION, Allow, None),
        (false, FEDERATED, FEDERATED, Allow, Some(Grant::Direct)),
        // the path of a session's role is not known: a Deny holds for any path, an Allow for `/` only
        (false, PATH_ROLE, SESSION, Allow, None),
        (false, PATH_ROLE, SESSION, Deny, Some(Grant::RoleName)),
        (false, PATH_ROLE, ROLE, Deny, None),
        (true, ALICE, ALICE, Deny, None),
        (true, ALICE, SESSION, Deny, Some(Grant::Everyone)),
        (true, ROLE, SESSION, Deny, None),
        (true, SESSION, SESSION, Deny, None),
        (true, PATH_ROLE, SESSION, Deny, Some(Grant::Everyone)),
        (true, PATH_ROLE, SESSION, Allow, None),
        (true, ROOT, ALICE, Deny, Some(Grant::Everyone)),
        (true, ROOT, ROOT, Deny, None),
        (true, ROOT, ALICE, Allow, None),
    ] {
        let found = rule(negated, &[listed]).grant(&Principal::from_arn(principal).unwrap(), effect);
        assert_eq!(found, expected, "not={negated} {listed} for {principal} in {effect:?}");
    }
}

#[test]
fn nobody_is_everybody_only() {
    let nobody = Principal::anonymous();
    assert_eq!(rule(false, &["*"]).grant(&nobody, Effect::Allow), Some(Grant::Everyone));
    assert_eq!(rule(false, &[ROOT, ALICE, ROLE]).grant(&nobody, Effect::Deny), None);
    assert_eq!(rule(true, &[ROOT, ALICE]).grant(&nobody, Effect::Deny), Some(Grant::Everyone));
}

#[test]
fn a_canonical_id_names_the_account_it_is_configured_for() {
    let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    let rule = PrincipalRule::new(false, vec![Entry::CanonicalUser(id.into())]);
    let alice = Principal::from_arn(ALICE).unwrap();
    assert_eq!(rule.grant(&alice, Effect::Allow), None);
    assert_eq!(rule.grant(&alice.with_canonical_id(id), Effect::Allow), Some(Grant::Account));
}
