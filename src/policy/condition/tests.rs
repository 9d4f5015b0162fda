//! Each operator against missing, present, empty, untypable and unknown values.
//! It must not repeat the corpus, which holds the combinations.

use super::*;
use crate::policy::condition::Test as ConditionTest;
use crate::policy::context::KeyMap;
use crate::policy::document::Kind;
use crate::policy::operator::Operator;
use crate::policy::parse::{ParseOptions, parse};

/// The test of `"operator": {"test:key": values}`.
fn test(operator: &str, values: &str) -> ConditionTest {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"{operator}":{{"test:key":{values}}}}}}}}}"#
    );
    let options = ParseOptions { any_key: true, ..ParseOptions::default() };
    let parsed =
        parse(&text, Kind::Identity, &options).unwrap_or_else(|errors| panic!("{errors:?} in {text}"));
    parsed.document.statements[0].conditions[0].clone()
}

fn passes(operator: &str, values: &str, context: &str) -> Truth {
    let map = KeyMap::from_json(&serde_json::from_str(context).unwrap()).unwrap();
    test(operator, values).passes(&Source::from(&map))
}

/// A value of the policy for each operator.
fn value_for(name: &str) -> &'static str {
    match name {
        name if name.starts_with("Numeric") => "\"5\"",
        name if name.starts_with("Date") => "\"2026-11-23T17:00:00Z\"",
        name if name.contains("Ip") => "\"10.0.0.0/8\"",
        name if name.starts_with("Arn") => "\"arn:aws:s3:::a\"",
        "Bool" => "\"true\"",
        "BinaryEquals" => "\"YQ==\"",
        _ => "\"a\"",
    }
}

#[test]
fn a_missing_key_under_every_operator() {
    use Truth::{No, Yes};
    let mut seen = 0;
    for name in Operator::names().filter(|name| *name != "Null") {
        let negated = name.contains("Not");
        let values = value_for(name);
        for (operator, expected) in [
            (name.to_owned(), if negated { Yes } else { No }),
            (format!("{name}IfExists"), Yes),
            (format!("ForAllValues:{name}"), Yes),
            (format!("ForAllValues:{name}IfExists"), Yes),
            (format!("ForAnyValue:{name}"), No),
            (format!("ForAnyValue:{name}IfExists"), No),
        ] {
            assert_eq!(passes(&operator, values, "{}"), expected, "{operator}, missing");
            let set = operator.starts_with("For");
            let empty = if set || operator.ends_with("IfExists") || negated { expected } else { No };
            assert_eq!(passes(&operator, values, r#"{"test:key":[]}"#), empty, "{operator}, empty");
            seen += 1;
        }
    }
    assert_eq!(seen, 26 * 6);
    for (value, context, expected) in [
        ("true", "{}", Yes),
        ("false", "{}", No),
        ("true", r#"{"test:key":"x"}"#, No),
        ("false", r#"{"test:key":"x"}"#, Yes),
        ("true", r#"{"test:key":[]}"#, Yes),
        ("false", r#"{"test:key":[]}"#, No),
        ("false", r#"{"test:key":["x"]}"#, Yes),
        ("[true,false]", "{}", Yes),
        ("[true,false]", r#"{"test:key":""}"#, Yes),
    ] {
        assert_eq!(passes("Null", value, context), expected, "Null {value} on {context}");
    }
}

#[test]
fn a_value_that_cannot_be_typed_is_no_answer() {
    for name in Operator::names().filter(|name| *name != "Null" && !name.starts_with("String")) {
        for operator in [name.to_owned(), format!("{name}IfExists"), format!("ForAllValues:{name}")] {
            let answer = passes(&operator, value_for(name), r#"{"test:key":"?!"}"#);
            assert_eq!(answer, Truth::Unknown, "{operator}");
        }
        // a certain answer outweighs it
        let good = value_for(name);
        let any = passes(&format!("ForAnyValue:{name}"), good, &format!(r#"{{"test:key":["?!",{good}]}}"#));
        let equal = !name.contains("Not") && !name.ends_with("LessThan") && !name.ends_with("GreaterThan");
        let matching = if equal || name == "IpAddress" { Truth::Yes } else { Truth::Unknown };
        let matching = if name.contains("Ip") { Truth::Unknown } else { matching };
        assert_eq!(any, matching, "ForAnyValue:{name}");
    }
    // several values without a prefix
    assert_eq!(passes("StringEquals", "\"a\"", r#"{"test:key":["a"]}"#), Truth::Unknown);
}

#[test]
fn comparisons() {
    use Truth::{No, Yes};
    for (operator, values, value, expected) in [
        ("StringEquals", r#""a*""#, "ab", No),
        ("StringEquals", r#"["x","a"]"#, "a", Yes),
        ("StringEquals", r#""a""#, "A", No),
        ("StringNotEquals", r#"["x","a"]"#, "a", No),
        ("StringNotEquals", r#"["x","y"]"#, "a", Yes),
        ("StringEqualsIgnoreCase", r#""Aä""#, "aä", Yes),
        ("StringEqualsIgnoreCase", r#""Ä""#, "ä", No),
        ("StringNotEqualsIgnoreCase", r#""A""#, "a", No),
        ("StringLike", r#""a*c?""#, "abbcd", Yes),
        ("StringNotLike", r#"["x*","a*"]"#, "abc", No),
        ("StringEquals", "true", "true", Yes),
        ("StringEquals", "1.10", "1.1", No),
        ("NumericEquals", "1.10", "1.1", Yes),
        ("NumericNotEquals", r#"["1","2"]"#, "2.0", No),
        ("NumericLessThan", "600000", "599999.999", Yes),
        ("NumericLessThanEquals", "5", "5", Yes),
        ("NumericGreaterThan", "600000", "600000", No),
        ("NumericGreaterThan", "600000", "600001", Yes),
        ("NumericGreaterThanEquals", "-1", "-1.0", Yes),
        ("DateEquals", "1795453200", "2026-11-23T18:00:00+01:00", Yes),
        ("DateNotEquals", "1795453200", "2026-11-23T18:00:00Z", Yes),
        ("DateLessThan", r#""2026-11-23T17:00Z""#, "1795453199", Yes),
        ("DateLessThanEquals", r#""2026-11-23T17:00Z""#, "1795453200", Yes),
        ("DateGreaterThan", r#""2026-11-23""#, "1795453200", Yes),
        ("DateGreaterThanEquals", r#""2026-11-24""#, "1795453200", No),
        ("Bool", r#""TRUE""#, "true", Yes),
        ("Bool", "false", "true", No),
        ("BinaryEquals", r#""Zm8""#, "Zm8=", Yes),
        ("BinaryEquals", r#""Zm8""#, "Zm9v", No),
        ("IpAddress", r#"["10.0.0.0/8","2001:db8::/32"]"#, "2001:db8::1", Yes),
        ("IpAddress", r#""10.0.0.0/8""#, "2001:db8::1", No),
        ("NotIpAddress", r#""0.0.0.0/0""#, "2001:db8::1", Yes),
        ("NotIpAddress", r#""10.0.0.0/8""#, "::ffff:10.0.0.1", No),
        ("ArnEquals", r#""arn:aws:s3:::a*""#, "arn:aws:s3:::abc", Yes),
        ("ArnNotEquals", r#""arn:aws:s3:::a""#, "arn:aws:s3:::b", Yes),
        ("ArnNotLike", r#""arn:aws:s3:::A""#, "arn:aws:s3:::a", Yes),
    ] {
        let context = format!(r#"{{"TEST:Key":"{value}"}}"#);
        assert_eq!(passes(operator, values, &context), expected, "{operator} {values} on {value}");
    }
}

#[test]
fn sets() {
    use Truth::{No, Yes};
    for (operator, values, context, expected) in [
        ("ForAnyValue:StringEquals", r#"["a","b"]"#, r#"["x","b"]"#, Yes),
        ("ForAnyValue:StringEquals", r#"["a","b"]"#, r#"["x"]"#, No),
        ("ForAllValues:StringEquals", r#"["a","b"]"#, r#"["a","b"]"#, Yes),
        ("ForAllValues:StringEquals", r#"["a","b"]"#, r#"["a","x"]"#, No),
        // some value is outside the list
        ("ForAnyValue:StringNotEquals", r#"["a","b"]"#, r#"["a","x"]"#, Yes),
        ("ForAnyValue:StringNotEquals", r#"["a","b"]"#, r#"["a","b"]"#, No),
        // no value is in the list
        ("ForAllValues:StringNotEquals", r#"["a","b"]"#, r#"["x","y"]"#, Yes),
        ("ForAllValues:StringNotEquals", r#"["a","b"]"#, r#"["a","x"]"#, No),
        // one value is a set of one
        ("ForAllValues:StringEquals", r#""a""#, r#""a""#, Yes),
        ("ForAnyValue:StringNotEquals", r#""a""#, r#""a""#, No),
        ("ForAllValues:StringEquals", r#""a""#, r#""""#, No),
    ] {
        let context = format!(r#"{{"test:key":{context}}}"#);
        assert_eq!(passes(operator, values, &context), expected, "{operator} {values} on {context}");
    }
}

#[test]
fn a_variable_without_value_voids_its_own_entry_only() {
    use Truth::{No, Yes};
    for (operator, values, expected) in [
        ("StringEquals", r#""${aws:username}""#, No),
        ("StringEquals", r#"["${aws:username}","v"]"#, Yes),
        ("StringNotEquals", r#""${aws:username}""#, Yes),
        ("StringNotEquals", r#"["${aws:username}","v"]"#, No),
        ("StringEquals", r#""${aws:username, 'v'}""#, Yes),
        ("StringEquals", r#""${test:list, 'v'}""#, Yes),
        ("StringEquals", r#""${test:list}""#, No),
        ("StringLike", r#""${test:star}""#, No),
        ("StringEqualsIgnoreCase", r#""${test:upper}""#, Yes),
    ] {
        let context = r#"{"test:key":"v","test:list":["v"],"test:star":"*","test:upper":"V"}"#;
        assert_eq!(passes(operator, values, context), expected, "{operator} {values}");
    }
}

#[test]
fn a_long_list_of_texts_is_a_set() {
    let list: Vec<String> = (0..1000).map(|n| format!("\"Vpce-{n:04}\"")).collect();
    let list = format!("[{}]", list.join(","));
    for (operator, value, expected) in [
        ("StringEquals", "Vpce-0777", Truth::Yes),
        ("StringEquals", "vpce-0777", Truth::No),
        ("StringEqualsIgnoreCase", "vpce-0777", Truth::Yes),
        ("StringNotEqualsIgnoreCase", "vpce-0777", Truth::No),
        ("StringLike", "Vpce-1000", Truth::No),
    ] {
        let context = format!(r#"{{"test:key":"{value}"}}"#);
        assert_eq!(passes(operator, &list, &context), expected, "{operator} {value}");
    }
}
