//! What is read is what was written, digit for digit.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::house::House;

/// JSON texts in the one form that answers have: names in order, no spaces, exponents signed.
fn any_json() -> impl Strategy<Value = String> {
    let text = any::<String>().prop_map(|text| Value::String(text).to_string());
    let exponent = "e[+-][0-9]{1,3}";
    let number = proptest::string::string_regex(&format!(
        "-?(0|[1-9][0-9]{{0,40}})(\\.[0-9]{{1,25}})?({exponent})?"
    ));
    let word = prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned);
    let leaf = prop_oneof![3 => number.unwrap(), 2 => text, 1 => word];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|all| format!("[{}]", all.join(","))),
            any_object(inner),
        ]
    })
}

fn any_object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::btree_map(any::<String>(), value, 0..4).prop_map(|fields| {
        let field = |(name, value): (&String, &String)| format!("{}:{value}", json!(name));
        format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
    })
}

fn parse(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

async fn comes_back(sent: &str) {
    let first = House::new("kv", None);
    // Version 1 and the cubbyhole keep no secret without fields.
    if sent != "{}" {
        let cubbyhole = House::new("cubbyhole", None);
        for house in [&first, &cubbyhole] {
            house.write("a", parse(sent).into()).await.done();
            assert_eq!(house.read("a").await.data().to_string(), sent);
        }
    }
    let house = House::new("kv", Some("2"));
    house.write("data/a", json!({ "data": parse(sent) })).await.data();
    assert_eq!(house.read("data/a").await.data()["data"].to_string(), sent);
    // A patch changes what it names and leaves the rest as it was sent.
    house.patch("data/a", json!({"data": {}})).await.data();
    assert_eq!(house.read("data/a").await.data()["data"].to_string(), sent);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn values_come_back_exactly_as_they_were_sent(sent in any_object(any_json())) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(comes_back(&sent));
    }
}

#[tokio::test]
async fn nothing_is_lost_to_a_float() {
    comes_back(r#"{"a":[0.1,1.0,1.10,-0,-0.0,0.00001,1e-7,2.50e+300,1e+999,9007199254740993]}"#)
        .await;
    comes_back(&format!(r#"{{"a":{}.{}}}"#, "9".repeat(100), "0".repeat(100))).await;
}

#[tokio::test]
async fn text_of_any_script_comes_back_as_it_is() {
    comes_back(r#"{"":"","\u0000":"\n\u0000\u001f","a b":"<&>\\\"/","é":"é","日本":"𝄞"}"#).await;
}

/// The same number, and the only spelling of one that changes.
#[tokio::test]
async fn exponents_come_back_small_and_with_a_sign() {
    let house = House::new("kv", None);
    house.write("a", parse(r#"{"a":[1e3,1E3,1E+3,1E-3]}"#).into()).await.done();
    assert_eq!(house.read("a").await.data().to_string(), r#"{"a":[1e+3,1e+3,1e+3,1e-3]}"#);
}
