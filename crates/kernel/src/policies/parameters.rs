//! What a request may carry: allowed, denied and required parameters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use api::Operation;
use api::describe::Synonyms;
use api::readings::TooMany;
use serde_json::{Map, Value};

use super::Refusal;
use super::allowed::Allowed;
use super::denied::Denied;

/// The entry that stands for every parameter.
const ANY: &str = "*";

/// Values by the name of the parameter, in lower case; no values: any.
pub type Values = BTreeMap<String, Vec<Value>>;

/// What a rule says about the parameters of a request.
///
/// The values are made ready once, when the rule is understood, and are shared by all that hold the
/// rule. A rule that says nothing costs nothing.
#[derive(Clone, Default)]
pub struct Parameters {
    said: Option<Arc<Said>>,
}

struct Said {
    written: Written,
    allowed: HashMap<String, Allowed>,
    denied: HashMap<String, Denied>,
}

/// The words of the rule. Names are in lower case.
#[derive(Clone, Debug, Default, PartialEq)]
struct Written {
    /// When not empty, only these may be given, with one of the values.
    allowed: Values,
    /// These may not be given with one of the values.
    denied: Values,
    /// These must be given.
    required: BTreeSet<String>,
}

impl Parameters {
    /// Only what is `allowed` may be given, if there is any, nothing that is `denied`, and all that
    /// is `required`.
    pub fn new(allowed: Values, denied: Values, required: BTreeSet<String>) -> Self {
        Self::of(Written { allowed, denied, required })
    }

    /// Whether a request for `operation` may carry `data`. What is said of a parameter holds for
    /// each of its names in `synonyms`.
    ///
    /// Only operations that carry parameters are judged: nothing can be said about a removal or
    /// a listing. Names are compared without regard to case, so that a backend that ignores case
    /// cannot be reached around a rule; a required name must be given in lower case, and as
    /// something: fields take `null` for not given.
    ///
    /// # Errors
    /// The first parameter that stands in the way.
    pub fn judge(
        &self,
        operation: Operation,
        data: &Map<String, Value>,
        synonyms: &Synonyms,
    ) -> Result<(), Refusal> {
        use Operation::{Create, Patch, Read, Update};
        let Some(said) = &self.said else { return Ok(()) };
        if !matches!(operation, Create | Read | Update | Patch) {
            return Ok(());
        }
        let is_given = |name: &str| data.get(name).is_some_and(|value| !value.is_null());
        let is_missing = |name: &&String| !synonyms.of(name).any(is_given);
        if let Some(name) = said.written.required.iter().find(is_missing) {
            return Err(Refusal::Required(name.clone()));
        }
        for (name, value) in data {
            said.judge_value(&name.to_lowercase(), value, synonyms)?;
        }
        Ok(())
    }

    /// Whether a parameter called `name` must be given.
    pub fn requires(&self, name: &str) -> bool {
        self.said.as_ref().is_some_and(|said| said.written.required.contains(name))
    }

    /// Adds what a rule with the same pattern says that was seen after this one.
    pub(super) fn merge(&mut self, later: &Self) {
        let (Some(earlier), Some(added)) = (&self.said, &later.said) else {
            self.said = self.said.take().or_else(|| later.said.clone());
            return;
        };
        let mut written = earlier.written.clone();
        merge_values(&mut written.allowed, &added.written.allowed);
        merge_values(&mut written.denied, &added.written.denied);
        written.required.extend(added.written.required.iter().cloned());
        *self = Self::of(written);
    }

    #[cfg(test)]
    pub(super) fn written(&self) -> (Values, Values, BTreeSet<String>) {
        let written = self.said.as_ref().map(|said| said.written.clone()).unwrap_or_default();
        (written.allowed, written.denied, written.required)
    }

    fn of(written: Written) -> Self {
        if written == Written::default() {
            return Self::default();
        }
        let allowed = written.allowed.iter();
        let allowed = allowed.map(|(name, values)| (name.clone(), Allowed::new(values))).collect();
        let denied = written.denied.iter();
        let denied = denied.map(|(name, values)| (name.clone(), Denied::new(values))).collect();
        Self { said: Some(Arc::new(Said { written, allowed, denied })) }
    }
}

impl Said {
    fn judge_value(&self, name: &str, value: &Value, synonyms: &Synonyms) -> Result<(), Refusal> {
        let too_many = |TooMany| Refusal::TooManyValues(name.to_owned());
        let denied = || synonyms.of(name).filter_map(|name| self.denied.get(name));
        if self.denied.contains_key(ANY) || denied().any(Denied::is_anything) {
            return Err(Refusal::DeniedParameter(name.to_owned()));
        }
        for denied in denied() {
            if denied.covers(value).map_err(too_many)? {
                return Err(Refusal::DeniedParameter(name.to_owned()));
            }
        }
        if self.allow_anything() {
            return Ok(());
        }
        let mut is_allowed = self.allowed.contains_key(ANY);
        for allowed in synonyms.of(name).filter_map(|name| self.allowed.get(name)) {
            is_allowed = allowed.covers(value).map_err(too_many)?;
            if !is_allowed {
                break;
            }
        }
        if is_allowed { Ok(()) } else { Err(Refusal::NotAllowedParameter(name.to_owned())) }
    }

    /// Values beside a lone "*" have never meant anything to any server.
    fn allow_anything(&self) -> bool {
        self.allowed.is_empty() || (self.allowed.len() == 1 && self.allowed.contains_key(ANY))
    }
}

/// Rules that are written alike are alike.
impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        match (&self.said, &other.said) {
            (Some(one), Some(other)) => one.written == other.written,
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said.as_ref().map(|said| &said.written).fmt(formatter)
    }
}

/// Puts later values in front; no values mean "whatever the value", so they absorb any others.
fn merge_values(all: &mut Values, later: &Values) {
    for (name, values) in later {
        let merged = match all.get(name) {
            Some(earlier) if earlier.is_empty() || values.is_empty() => Vec::new(),
            Some(earlier) => values.iter().chain(earlier).cloned().collect(),
            None => values.clone(),
        };
        all.insert(name.clone(), merged);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use api::describe::synonyms;
    use api::{
        ENTRIES_MAX, Given, KeyValues, Moment, NameList, NoContent, Path, Seconds,
        normalize_policies,
    };
    use proptest::prelude::*;
    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    fn allowing(values: &Value) -> Parameters {
        Parameters::new(named(values), Values::new(), BTreeSet::new())
    }

    fn denying(values: &Value) -> Parameters {
        Parameters::new(Values::new(), named(values), BTreeSet::new())
    }

    fn named(values: &Value) -> Values {
        let values = values.as_object().cloned().unwrap_or_default();
        values.into_iter().map(|(name, list)| (name, list.as_array().unwrap().clone())).collect()
    }

    #[track_caller]
    fn check(parameters: &Parameters, data: Value, expected: bool) {
        let data_sent = data.as_object().unwrap();
        let judged = parameters.judge(Operation::Update, data_sent, Synonyms::NONE);
        let permitted = judged.is_ok();
        assert_eq!(permitted, expected, "{data} under {parameters:?}");
    }

    #[track_caller]
    fn check_allowed(allowed: Value, data: Value, expected: bool) {
        check(&allowing(&allowed), data, expected);
    }

    #[track_caller]
    fn check_denied(denied: Value, data: Value, expected: bool) {
        check(&denying(&denied), data, expected);
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

    #[test]
    fn a_denial_holds_for_whatever_a_field_takes_for_the_same() {
        for (denied, passing) in [
            (json!(1), json!([true, "true", "T", "1", 1, "01", "1s", [1], "1,"])),
            (json!("5"), json!([5, "+5", "5s", "1, 5", [[5]], "1970-01-01T00:00:05Z"])),
            (json!("1"), json!([true, "T", 1])),
            (json!(0), json!([false, "F", "false", "", null, "0s", "-0"])),
            (json!("true"), json!([1, "1", "T", true, " t "])),
            (json!("false"), json!([0, "0", "f", "", false, null])),
            (json!(false), json!(["", null, 0])),
            (json!(600), json!(["10m", "600s", "0h10m"])),
            (json!("10m"), json!([600, "600"])),
            (json!(-1), json!(["-1", "-5s"])),
            (json!({"a": "b"}), json!(["a=b", ["a=b"], ["x=y", "a=b"], {"a": "b", "c": "d"}])),
            (json!({"a": "b"}), json!([[{"a": "b"}], {"A": " B "}, "x=y, a=b"])),
            (json!("a=b"), json!([{"a": "b"}, ["a=b"], {"a": ["b"]}])),
            (json!("a*"), json!([{"a": "b"}, {"ab": 1}, "x, ab"])),
            (json!({"cas": 0}), json!([{"cas": "0"}, {"cas": false}, {"cas": null}, "cas=0"])),
            (json!({"cas": {"x": [1]}}), json!([{"cas": {"x": "1"}}, {"cas": ["x=1"]}])),
            (json!(["x", "y"]), json!(["x,y", ["Y", "x"], ["x", "y", "z"], ["x,y"]])),
            (json!("x,y"), json!([["x", "y"], "X, Y"])),
            (json!([]), json!(["", ",", null, []])),
            (json!({}), json!([null, {}, []])),
            (json!("*"), json!([null, 5, [], {}, {"a": {}}])),
            (json!("5*"), json!([50, "1, 5"])),
        ] {
            for sent in passing.as_array().unwrap() {
                check_denied(json!({"p": ["zzz", denied]}), json!({"p": sent}), false);
            }
        }
        for (denied, other) in [
            (json!(1), json!([false, 2, "10", "t1", null, [], {}, {"a": 1}])),
            (json!(600), json!(["10h", "10", 601])),
            (
                json!({"a": "b"}),
                json!([{"a": "c"}, {"b": "a"}, "a", "a=c", [], null, {"x": "a=b"}]),
            ),
            (json!({"a": 1, "b": 2}), json!([{"a": 1}, "a=1", ["a=1", "b=3"]])),
            (json!(["x", "y"]), json!(["x", ["y"], "x,z", []])),
            (json!([]), json!(["x", [1]])),
            (json!({}), json!([{"a": 1}, "x"])),
            (json!("a*"), json!([{"b": "a"}, null, "", 5])),
        ] {
            for sent in other.as_array().unwrap() {
                check_denied(json!({"p": ["zzz", denied]}), json!({"p": sent}), true);
            }
        }
    }

    #[derive(Deserialize, PartialEq)]
    struct Field<T> {
        field: T,
    }

    /// Some object of ours, as "options" often are.
    #[derive(Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Options {
        a: Option<i64>,
        b: Option<bool>,
        c: String,
    }

    fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
        let sent = json!({ "field": value }).as_object().unwrap().clone();
        let given = Given { sent, ..Given::default() };
        given.parse::<Field<T>>().ok().map(|read| read.field)
    }

    fn is_same_to<T: DeserializeOwned + PartialEq>(one: &Value, other: &Value) -> bool {
        read::<T>(one).is_some_and(|one| read::<T>(other) == Some(one))
    }

    fn is_same_to_any_field(one: &Value, other: &Value) -> bool {
        is_same_to::<bool>(one, other)
            || is_same_to::<u64>(one, other)
            || is_same_to::<i64>(one, other)
            || is_same_to::<Seconds>(one, other)
            || is_same_to::<Moment>(one, other)
            || is_same_to::<String>(one, other)
            || is_same_to::<NameList>(one, other)
            || is_same_to::<Vec<u64>>(one, other)
            || is_same_to::<Vec<bool>>(one, other)
            || is_same_to::<KeyValues>(one, other)
            || is_same_to::<BTreeMap<String, NameList>>(one, other)
            || is_same_to::<BTreeMap<String, bool>>(one, other)
            || is_same_to::<Vec<KeyValues>>(one, other)
            || read::<NameList>(one)
                .zip(read::<NameList>(other))
                .is_some_and(|(one, other)| normalize_policies(one) == normalize_policies(other))
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let words = &[
            "", "0", "1", "t", "true", "F", "60", "1m", "a", "b", "a=b", "a=1", "a,b", "b, A",
            "a=b,c", " a", "-1", ",",
        ];
        let simple = prop_oneof![
            4 => prop::sample::select(&words[..]).prop_map(Value::from),
            2 => prop::sample::select(vec![json!(0), json!(1), json!(60), json!(-1), json!(1.0)]),
            1 => prop::sample::select(vec![json!(true), json!(false), json!(null)]),
        ];
        simple.prop_recursive(2, 8, 3, |inner| {
            let name = prop::sample::select(&["a", "b", "A"][..]).prop_map(str::to_owned);
            let members = prop::collection::btree_map(name, inner.clone(), 0..3);
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(Value::Array),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_any_field_takes_for_a_denied_value_is_denied(
            one in any_value(),
            other in any_value(),
        ) {
            let denied = denying(&json!({"p": [one]}));
            let data = json!({"p": other});
            let judged = denied.judge(Operation::Update, data.as_object().unwrap(), Synonyms::NONE);
            // An object of ours is denied by what is said of it, whatever else it has.
            let says_something = one.is_object() && one != json!({});
            let options = says_something && is_same_to::<Options>(&one, &other);
            let says_all = read::<Options>(&one).is_some_and(|read| read != Options::default())
                && one.as_object().is_some_and(|one| one.len() == 1);
            let is_same = is_same_to_any_field(&one, &other) || (options && says_all);
            prop_assert!(judged.is_err() || !is_same, "{} under a denial of {}", other, one);
        }
    }

    #[test]
    fn a_parameter_with_too_many_members_to_tell_is_denied() {
        let many = |value: &str, count: usize| json!({"a": value.repeat(count)});
        let denied = denying(&json!({"a": ["v"]}));
        let allowed = allowing(&json!({"a": ["a", "b*"]}));
        for rule in [&denied, &allowed] {
            check(rule, many("a,", ENTRIES_MAX), true);
            let data = many("a,", ENTRIES_MAX + 1);
            let judged = rule.judge(Operation::Update, data.as_object().unwrap(), Synonyms::NONE);
            assert_eq!(judged, Err(Refusal::TooManyValues("a".into())));
            check(rule, json!({"a": vec!["a"; ENTRIES_MAX]}), true);
        }
        check(&denied, json!({"a": vec!["a,a,a,a,a,a,a,a,a"; ENTRIES_MAX]}), false);
        check(&denied, json!({"b": many("a,", ENTRIES_MAX + 1)}), true);
    }

    /// One by one, these would be twenty million comparisons each.
    #[test]
    fn many_denied_and_allowed_values_are_looked_up_and_not_gone_through() {
        let values: Vec<_> = (0..2_000).map(|number| format!("v{number}")).collect();
        let starts = values.iter().map(|value| format!("{value}*"));
        let ends = values.iter().map(|value| format!("*{value}"));
        let globs = starts.chain(ends).collect::<Vec<_>>();
        let sent = |value: &str| json!({"a": value.repeat(ENTRIES_MAX)});
        for rule in [&values, &globs] {
            check_denied(json!({ "a": rule }), sent("w,"), true);
            check_allowed(json!({ "a": rule }), sent("v77,"), true);
        }
        // Too many pairs to compare are not compared.
        let objects: Vec<_> = values.iter().map(|value| json!({"a": value})).collect();
        check_denied(json!({ "a": objects }), sent("a=b,"), false);
        let middles: Vec<_> = values.iter().map(|value| format!("*{value}*")).collect();
        check_denied(json!({ "a": middles }), sent("www,"), false);
    }

    #[test]
    fn what_is_said_of_one_name_holds_for_all_names_of_the_parameter() {
        let path = Path::<()>::new("x").write(async |_: &(), _: Renamed| Ok(NoContent));
        let synonyms = synonyms(path.endpoint(Operation::Update).unwrap());
        let judge = |rule: &Parameters, data: Value| {
            rule.judge(Operation::Update, data.as_object().unwrap(), synonyms).is_ok()
        };
        let names = ["token_policies", "policies"];
        for (said, sent) in names.into_iter().flat_map(|said| names.map(|sent| (said, sent))) {
            let denied = denying(&json!({said: ["admin"]}));
            assert!(!judge(&denied, json!({sent: "admin"})), "{said} {sent}");
            assert!(judge(&denied, json!({sent: "dev"})), "{said} {sent}");
            assert!(!judge(&denying(&json!({said: []})), json!({sent: "dev"})), "{said} {sent}");
            for allowed in [json!({said: ["dev"]}), json!({said: ["dev"], "*": []})] {
                let allowed = allowing(&allowed);
                assert!(!judge(&allowed, json!({sent: "admin"})), "{said} {sent}");
                assert!(judge(&allowed, json!({sent: "dev"})), "{said} {sent}");
            }
            let required = BTreeSet::from([said.to_owned()]);
            let required = Parameters::new(Values::new(), Values::new(), required);
            assert!(judge(&required, json!({sent: "dev"})), "{said} {sent}");
            assert!(!judge(&required, json!({sent: null, "ttl": 1})), "{said} {sent}");
        }
        // Where both are spoken of, both must allow it.
        let both = allowing(&json!({"token_policies": ["dev"], "policies": []}));
        assert!(!judge(&both, json!({"policies": "admin"})));
    }

    #[derive(Deserialize, JsonSchema)]
    struct Renamed {
        #[serde(rename = "token_policies")]
        _new: Option<NameList>,
        #[serde(rename = "policies")]
        #[schemars(extend("x-older-name-of" = "token_policies"))]
        _old: Option<NameList>,
        #[serde(rename = "ttl")]
        _other: Option<Seconds>,
    }

    // Case 138.
    #[test]
    fn a_denied_name_is_denied_beside_allowed_ones() {
        let (good, bad) = (json!({"good": []}), json!({"bad": []}));
        let both = Parameters::new(named(&good), named(&bad), BTreeSet::new());
        check(&both, json!({"good": 1}), true);
        check(&both, json!({"good": 1, "BaD": 1}), false);
        check(&both, json!({"Bad": 1, "good": 1}), false);
    }

    #[test]
    fn required_parameters_must_be_given() {
        let required = BTreeSet::from(["foo".to_owned()]);
        let required = Parameters::new(Values::new(), Values::new(), required);
        check(&required, json!({"foo": 1}), true);
        check(&required, json!({"foo": 1, "bar": 1}), true);
        check(&required, json!({"bar": 1}), false);
        check(&required, json!({"Foo": 1}), false);
        check(&required, json!({}), false);
        check(&required, json!({"foo": null}), false);
    }

    #[test]
    fn removals_and_listings_are_not_judged() {
        use Operation::{Create, Delete, List, Patch, Read, Scan, Update};
        let nothing = denying(&json!({"*": []}));
        let data = json!({"a": 1});
        let judge = |operation| nothing.judge(operation, data.as_object().unwrap(), Synonyms::NONE);
        for operation in [Create, Read, Update, Patch] {
            assert!(judge(operation).is_err(), "{operation}");
        }
        for operation in [Delete, List, Scan] {
            assert!(judge(operation).is_ok(), "{operation}");
        }
    }

    #[track_caller]
    fn check_merged(earlier: Value, later: Value, expected: Value) {
        let mut merged = allowing(&earlier);
        merged.merge(&allowing(&later));
        assert_eq!(merged, allowing(&expected), "{earlier} and {later}");
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
