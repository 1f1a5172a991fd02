//! What a request may carry: allowed, denied and required parameters.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use api::Operation;
use serde_json::{Map, Number, Value};

use super::Refusal;

/// The entry that stands for every parameter.
const ANY: &str = "*";

/// What a rule says about the parameters of a request. Names are in lower case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    /// When not empty, only these may be given, with one of the values; no values: any.
    pub allowed: BTreeMap<String, Vec<Value>>,
    /// These may not be given with one of the values; no values: not at all.
    pub denied: BTreeMap<String, Vec<Value>>,
    /// These must be given.
    pub required: BTreeSet<String>,
}

impl Parameters {
    /// Whether a request for `operation` may carry `data`.
    ///
    /// Only operations that carry parameters are judged: nothing can be said about a removal or
    /// a listing. Names are compared without regard to case, so that a backend that ignores case
    /// cannot be reached around a rule; a required name must be given in lower case.
    ///
    /// # Errors
    /// The first parameter that stands in the way.
    pub fn judge(&self, operation: Operation, data: &Map<String, Value>) -> Result<(), Refusal> {
        use Operation::{Create, Patch, Read, Update};
        if !matches!(operation, Create | Read | Update | Patch) {
            return Ok(());
        }
        if let Some(name) = self.required.iter().find(|name| !data.contains_key(*name)) {
            return Err(Refusal::Required(name.clone()));
        }
        for (name, value) in data {
            let name = name.to_lowercase();
            if self.denied.contains_key(ANY) || self.deny(&name, value) {
                return Err(Refusal::DeniedParameter(name));
            }
            if !self.allow(&name, value) {
                return Err(Refusal::NotAllowedParameter(name));
            }
        }
        Ok(())
    }

    fn deny(&self, name: &str, value: &Value) -> bool {
        let Some(values) = self.denied.get(name) else { return false };
        values.is_empty()
            || values.iter().any(|denied| {
                is_denied(denied, value) || parts(value).iter().any(|part| is_denied(denied, part))
            })
    }

    fn allow(&self, name: &str, value: &Value) -> bool {
        let any = self.allowed.contains_key(ANY);
        // Values beside a lone "*" have never meant anything to any server.
        if self.allowed.is_empty() || (any && self.allowed.len() == 1) {
            return true;
        }
        let Some(values) = self.allowed.get(name) else { return any };
        if values.is_empty() || values.iter().any(|allowed| is_allowed_whole(allowed, value)) {
            return true;
        }
        let parts = parts(value);
        let is_allowed = |part: &Value| values.iter().any(|allowed| is_same(allowed, part));
        !parts.is_empty() && parts.iter().all(|part| is_allowed(part))
    }

    /// Adds what a rule with the same pattern says that was seen after this one.
    pub(super) fn merge(&mut self, later: &Self) {
        merge_values(&mut self.allowed, &later.allowed);
        merge_values(&mut self.denied, &later.denied);
        self.required.extend(later.required.iter().cloned());
    }
}

/// Puts later values in front; no values mean "whatever the value", so they absorb any others.
fn merge_values(all: &mut BTreeMap<String, Vec<Value>>, later: &BTreeMap<String, Vec<Value>>) {
    for (name, values) in later {
        let merged = match all.get(name) {
            Some(earlier) if earlier.is_empty() || values.is_empty() => Vec::new(),
            Some(earlier) => values.iter().chain(earlier).cloned().collect(),
            None => values.clone(),
        };
        all.insert(name.clone(), merged);
    }
}

/// The members of a list, and of a text that lists them with commas, as many fields take them.
///
/// Each is judged by itself: a list must not carry past a rule what alone would be stopped.
fn parts(value: &Value) -> Vec<Cow<'_, Value>> {
    let members = match value {
        Value::Array(members) => members.as_slice(),
        single => std::slice::from_ref(single),
    };
    members.iter().flat_map(pieces).collect()
}

fn pieces(member: &Value) -> Vec<Cow<'_, Value>> {
    match member {
        Value::String(text) if text.contains(',') => {
            let pieces = text.split(',').map(str::trim).filter(|piece| !piece.is_empty());
            pieces.map(|piece| Cow::Owned(Value::from(piece))).collect()
        }
        single => vec![Cow::Borrowed(single)],
    }
}

/// Whether `allowed` names all of `value` at once.
///
/// An open end that says nothing of commas is not taken to reach across them.
fn is_allowed_whole(allowed: &Value, value: &Value) -> bool {
    match (allowed, value) {
        (Value::String(allowed), Value::String(_)) => {
            let is_open = allowed.starts_with('*') || allowed.ends_with('*');
            (!is_open || allowed.contains(',')) && is_same(&Value::from(allowed.as_str()), value)
        }
        _ => is_same(allowed, value),
    }
}

/// Whether a value of a rule covers a value of a request.
fn is_same(of_rule: &Value, given: &Value) -> bool {
    match (of_rule, given) {
        (Value::String(pattern), Value::String(text)) => covers(pattern, text),
        (Value::Number(one), Value::Number(other)) => is_same_number(one, other),
        _ => of_rule == given,
    }
}

/// Like [`is_same`], and also when the request spells the same in another type: fields take `"5"`
/// for 5, `"true"` for true and `" Ops "` for a policy `ops`, so a denial must not depend on the
/// spelling.
fn is_denied(denied: &Value, given: &Value) -> bool {
    match (denied, given) {
        (Value::String(pattern), Value::String(text)) => {
            covers(pattern, text)
                || covers(&folded(pattern), &folded(text))
                || number_of(pattern).is_some_and(|number| is_number(&number, text))
        }
        (Value::String(pattern), Value::Number(number)) => covers(pattern, &number.to_string()),
        (Value::String(pattern), Value::Bool(truth)) => covers(pattern, &truth.to_string()),
        (Value::Number(number), Value::String(text)) => is_number(number, text),
        (Value::Bool(truth), Value::String(text)) => truth_of(text) == Some(*truth),
        (Value::Bool(truth), Value::Number(number)) => {
            truth_of(&number.to_string()) == Some(*truth)
        }
        _ => is_same(denied, given),
    }
}

fn is_number(number: &Number, text: &str) -> bool {
    number_of(text).is_some_and(|other| is_same_number(number, &other))
}

/// The number that fields take a text for: also with zeros or a plus in front, as in `+02`.
fn number_of(text: &str) -> Option<Number> {
    let text = text.trim();
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let bare = digits.trim_start_matches('0');
    let zero = if bare.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "0" };
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit());
    is_number.then(|| serde_json::from_str(&format!("{minus}{zero}{bare}")).ok()).flatten()
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn truth_of(text: &str) -> Option<bool> {
    match folded(text).as_str() {
        "true" | "t" | "1" => Some(true),
        "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// Whether `text` is `pattern`, in which a star may stand at either end for anything.
pub(crate) fn covers(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(_), Some("")) => true,
        (Some(rest), Some(_)) => text.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => pattern == text,
    }
}

/// Numbers are compared by what they are, not by how they are written: 5 is 5.0 is 50e-1.
fn is_same_number(one: &Number, other: &Number) -> bool {
    let (one, other) = (one.to_string(), other.to_string());
    one == other || decimal(&one).is_some_and(|one| decimal(&other) == Some(one))
}

/// Sign, digits without zeros around them, and the power of ten of the last digit.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let shift = i64::try_from(fraction.len()).ok()?;
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?.checked_sub(shift)?.checked_add(zeros)?;
    Some((text.starts_with('-'), significant.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    fn named(values: &Value) -> BTreeMap<String, Vec<Value>> {
        let values = values.as_object().cloned().unwrap_or_default();
        values.into_iter().map(|(name, list)| (name, list.as_array().unwrap().clone())).collect()
    }

    #[track_caller]
    fn check(parameters: &Parameters, data: Value, expected: bool) {
        let permitted = parameters.judge(Operation::Update, data.as_object().unwrap()).is_ok();
        assert_eq!(permitted, expected, "{data} under {parameters:?}");
    }

    #[track_caller]
    fn check_allowed(allowed: Value, data: Value, expected: bool) {
        check(&Parameters { allowed: named(&allowed), ..Parameters::default() }, data, expected);
    }

    #[track_caller]
    fn check_denied(denied: Value, data: Value, expected: bool) {
        check(&Parameters { denied: named(&denied), ..Parameters::default() }, data, expected);
    }

    #[test]
    fn only_allowed_parameters_and_values_pass() {
        check_allowed(json!({}), json!({"a": 1}), true);
        check_allowed(json!({"a": ["good"]}), json!({"a": "good"}), true);
        check_allowed(json!({"a": ["good"]}), json!({"A": "good"}), true);
        check_allowed(json!({"a": ["good"]}), json!({"a": "bad"}), false);
        check_allowed(json!({"a": ["good"]}), json!({"A": "bad"}), false);
        check_allowed(json!({"a": ["good"]}), json!({"a": null}), false);
        check_allowed(json!({"a": ["good"]}), json!({"b": "good"}), false);
        check_allowed(json!({"a": ["good"]}), json!({}), true);
        check_allowed(json!({"a": []}), json!({"a": {"b": 1}}), true);
        check_allowed(json!({"*": []}), json!({"x": 1}), true);
        check_allowed(json!({"*": [], "bar": [false]}), json!({"foo": true}), true);
        check_allowed(json!({"*": [], "bar": [false]}), json!({"bar": true}), false);
        check_allowed(json!({"*": [], "bar": [false]}), json!({"bar": false}), true);
        check_allowed(json!({"bar": [false]}), json!({"bar": "false"}), false);
        check_allowed(json!({"m": [{"a": [1]}]}), json!({"m": {"a": [1]}}), true);
        check_allowed(json!({"m": [{"a": [1]}]}), json!({"m": {"a": [2]}}), false);
        check_allowed(json!({"n": [5]}), json!({"n": 5}), true);
        check_allowed(json!({"n": [5]}), json!({"n": 6}), false);
        check_allowed(json!({"n": [5]}), json!({"n": "5"}), false);
    }

    #[test]
    fn stars_at_the_ends_of_a_value_stand_for_anything() {
        let several = json!({"a": ["good", "good1", "good2", "*good3", "in*", "*mid*"]});
        check_allowed(several.clone(), json!({"a": "good2"}), true);
        check_allowed(several.clone(), json!({"a": "glob good3"}), true);
        check_allowed(several.clone(), json!({"a": "glob good2"}), false);
        check_allowed(several.clone(), json!({"a": "inside"}), true);
        check_allowed(several.clone(), json!({"a": "the middle"}), true);
        check_allowed(several, json!({"a": "mi"}), false);
        check_allowed(json!({"a": ["*"]}), json!({"a": ""}), true);
        check_allowed(json!({"a": ["**"]}), json!({"a": "x"}), true);
        check_allowed(json!({"a": ["*"]}), json!({"a": 5}), false);
        check_allowed(json!({"a": ["x*y"]}), json!({"a": "xzy"}), false);
    }

    #[test]
    fn a_list_carries_nothing_past_a_rule() {
        let teams = json!({"a": ["dev", "ops*"]});
        check_allowed(teams.clone(), json!({"a": ["dev", "ops-1"]}), true);
        check_allowed(teams.clone(), json!({"a": "dev, ops-1"}), true);
        check_allowed(teams.clone(), json!({"a": ["dev", "root"]}), false);
        check_allowed(teams.clone(), json!({"a": "ops,root"}), false);
        check_allowed(teams.clone(), json!({"a": ["ops,root"]}), false);
        check_allowed(teams.clone(), json!({"a": []}), false);
        check_allowed(teams, json!({"a": ","}), false);
        check_allowed(json!({"a": [["x", "y"]]}), json!({"a": ["x", "y"]}), true);
        check_allowed(json!({"a": [["x", "y"]]}), json!({"a": ["x"]}), false);
        check_allowed(json!({"a": ["x,y"]}), json!({"a": "x,y"}), true);
        check_allowed(json!({"a": ["x,*"]}), json!({"a": "x,y"}), true);
        check_denied(json!({"a": ["root"]}), json!({"a": ["dev", "root"]}), false);
        check_denied(json!({"a": ["root"]}), json!({"a": "dev, root"}), false);
        check_denied(json!({"a": ["root"]}), json!({"a": ["dev,root"]}), false);
        check_denied(json!({"a": ["root"]}), json!({"a": ["dev"]}), true);
    }

    #[test]
    fn denied_parameters_and_values_do_not_pass() {
        check_denied(json!({"deny": ["bad*"]}), json!({"deny": "bad glob"}), false);
        check_denied(json!({"deny": ["bad*"]}), json!({"deny": "good"}), true);
        check_denied(json!({"deny": ["bad*"]}), json!({"deny": null}), true);
        check_denied(json!({"deny": []}), json!({"deny": null}), false);
        check_denied(json!({"deny": []}), json!({"dEnY": 1}), false);
        check_denied(json!({"deny": []}), json!({"other": 1}), true);
        check_denied(json!({"*": []}), json!({"other": 1}), false);
        check_denied(json!({"*": ["x"]}), json!({"other": 1}), false);
        check_denied(json!({"*": []}), json!({}), true);
    }

    #[test]
    fn a_denial_does_not_depend_on_the_spelling() {
        for five in [json!(5), json!(5.0), json!("5"), json!(" 5.0 "), json!("50e-1")] {
            check_denied(json!({"n": [5]}), json!({"n": five}), false);
        }
        for five in ["05", "+5", "+005.0", " 05 ", "5"] {
            check_denied(json!({"n": [5]}), json!({"n": five}), false);
            check_denied(json!({"n": ["5"]}), json!({"n": five}), false);
            check_denied(json!({"n": ["05"]}), json!({"n": five}), false);
        }
        for other in ["50", "-5", "+-5", "0x5", "5a", "", "+", "."] {
            check_denied(json!({"n": [5]}), json!({"n": other}), true);
        }
        check_denied(json!({"n": [0]}), json!({"n": "-00"}), false);
        check_denied(json!({"n": ["5"]}), json!({"n": 5}), false);
        check_denied(json!({"n": [0]}), json!({"n": "-0e99999999999999999999"}), false);
        check_denied(json!({"n": [5]}), json!({"n": -5}), true);
        check_denied(json!({"n": [5]}), json!({"n": 50}), true);
        for truth in [json!(true), json!("true"), json!("TRUE"), json!("1"), json!(1), json!("t")] {
            check_denied(json!({"b": [true]}), json!({"b": truth}), false);
        }
        check_denied(json!({"b": ["true"]}), json!({"b": true}), false);
        check_denied(json!({"b": [true]}), json!({"b": false}), true);
        check_denied(json!({"b": [true]}), json!({"b": "yes"}), true);
        for ops in [json!("OPS"), json!(" ops"), json!(["dev", "Ops "]), json!("dev, OPS")] {
            check_denied(json!({"a": ["ops"]}), json!({"a": ops}), false);
            check_denied(json!({"a": ["Op*"]}), json!({"a": ops}), false);
        }
        check_denied(json!({"a": ["ops"]}), json!({"a": "op s"}), true);
    }

    // Case 138.
    #[test]
    fn a_denied_name_is_denied_beside_allowed_ones() {
        let both = Parameters {
            allowed: named(&json!({"good": []})),
            denied: named(&json!({"bad": []})),
            ..Parameters::default()
        };
        check(&both, json!({"good": 1}), true);
        check(&both, json!({"good": 1, "BaD": 1}), false);
        check(&both, json!({"Bad": 1, "good": 1}), false);
    }

    #[test]
    fn required_parameters_must_be_given() {
        let required = BTreeSet::from(["foo".to_owned()]);
        let required = Parameters { required, ..Parameters::default() };
        check(&required, json!({"foo": 1}), true);
        check(&required, json!({"foo": 1, "bar": 1}), true);
        check(&required, json!({"bar": 1}), false);
        check(&required, json!({"Foo": 1}), false);
        check(&required, json!({}), false);
    }

    #[test]
    fn removals_and_listings_are_not_judged() {
        use Operation::{Create, Delete, List, Patch, Read, Scan, Update};
        let denied = named(&json!({"*": []}));
        let nothing = Parameters { denied, ..Parameters::default() };
        let data = json!({"a": 1});
        for operation in [Create, Read, Update, Patch] {
            assert!(nothing.judge(operation, data.as_object().unwrap()).is_err(), "{operation}");
        }
        for operation in [Delete, List, Scan] {
            assert!(nothing.judge(operation, data.as_object().unwrap()).is_ok(), "{operation}");
        }
    }

    #[track_caller]
    fn check_merged(earlier: Value, later: Value, expected: Value) {
        let mut merged = Parameters { allowed: named(&earlier), ..Parameters::default() };
        merged.merge(&Parameters { allowed: named(&later), ..Parameters::default() });
        assert_eq!(merged.allowed, named(&expected), "{earlier} and {later}");
    }

    // Case 133.
    #[test]
    fn values_of_one_pattern_are_put_together() {
        check_merged(json!({"a": [1, 2]}), json!({"a": [3, 4]}), json!({"a": [3, 4, 1, 2]}));
        check_merged(json!({"a": [1]}), json!({"a": []}), json!({"a": []}));
        check_merged(json!({"a": []}), json!({"a": [1]}), json!({"a": []}));
        check_merged(json!({"*": []}), json!({"a": [1]}), json!({"*": [], "a": [1]}));
        check_merged(json!({}), json!({"a": [1]}), json!({"a": [1]}));
        check_merged(json!({"a": [1]}), json!({}), json!({"a": [1]}));
    }
}
