//! From the text of a password policy to its rules.

use api::hcl::{self, Block};

use super::charset::Charset;
use super::rules::{PasswordPolicy, Rule};

/// How long passwords that are made may be. Shorter ones can be guessed, longer ones are taken by
/// few who have to take them.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=100;

/// The password policy that `text` is, in HCL or JSON.
///
/// # Errors
/// What is wrong with it, as clients know it.
pub(super) fn parse(text: &str) -> Result<PasswordPolicy, String> {
    let policy = read(text).map_err(|error| format!("invalid password policy: {error}"))?;
    let flaws = flaws(&policy);
    if !flaws.is_empty() {
        return Err(format!("invalid password policy: {}", flaws.join("; ")));
    }
    if !LENGTHS.contains(&policy.length) {
        let (least, most) = (LENGTHS.start(), LENGTHS.end());
        return Err(format!("passwords must be between {least} and {most} characters"));
    }
    // Everything else that fits the length can be made, so nothing has to be tried out.
    if policy.rules.iter().any(|rule| rule.charset.is_empty() && rule.least > 0) {
        return Err("unable to construct test password from provided policy: \
                    are the rules impossible?"
            .to_owned());
    }
    Ok(policy)
}

fn read(text: &str) -> Result<PasswordPolicy, hcl::Error> {
    let body = hcl::parse(text)?;
    body.allow_only(&["length", "rule"])?;
    let length = body.value("length")?.map(hcl::Value::whole_number).transpose()?;
    let blocks = body.blocks("rule", 1)?;
    let rules = blocks.iter().map(rule).collect::<Result<_, _>>()?;
    Ok(PasswordPolicy { length: size(length), rules })
}

fn rule(block: &Block<'_>) -> Result<Rule, hcl::Error> {
    let kind = block.labels.first().map_or("", |label| label.text.as_str());
    if kind != "charset" {
        return Err(block.position.error(format!("unrecognized rule type {kind}")));
    }
    block.body.allow_only(&["charset", "min-chars"])?;
    let charset = block.body.value("charset")?.map(hcl::Value::text).transpose()?;
    let least = block.body.value("min-chars")?.map(hcl::Value::whole_number).transpose()?;
    Ok(Rule { charset: Charset::of(charset), least: size(least) })
}

/// What makes no sense about it, all of it.
fn flaws(policy: &PasswordPolicy) -> Vec<String> {
    let mut flaws = Vec::new();
    let least = policy.rules.iter().fold(0, |sum: usize, rule| sum.saturating_add(rule.least));
    if policy.length == 0 {
        flaws.push("length must be > 0".to_owned());
    } else if policy.length < least {
        flaws.push(format!(
            "specified rules require at least {least} characters but {} is specified",
            policy.length
        ));
    }
    let all = Charset::union(policy.rules.iter().map(|rule| &rule.charset));
    if all.is_empty() {
        flaws.push("no charset specified".to_owned());
    }
    if !all.is_printable() {
        flaws.push("non-printable character in charset".to_owned());
    }
    flaws
}

fn size(number: Option<u64>) -> usize {
    usize::try_from(number.unwrap_or_default()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(usize, usize), &str>) {
        let parsed = parse(text).map(|policy| (policy.length, policy.rules.len()));
        assert_eq!(parsed, expected.map_err(str::to_owned), "{text}");
    }

    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        let parsed = parse(text);
        let told = parsed.err().unwrap_or_default();
        assert!(told.contains(expected) && told.starts_with("invalid password policy: "), "{told}");
    }

    #[test]
    fn hcl_and_json_say_the_same() {
        let hcl = "length = 20\nrule \"charset\" {\n  charset = \"abcdef0123456789\"\n  \
                   min-chars = 2\n}";
        check(hcl, Ok((20, 1)));
        check("length=20 rule \"charset\" {charset=\"ab\"} rule \"charset\" {charset=\"c\"}", {
            Ok((20, 2))
        });
        let json = r#"{"length": 20, "rule": [{"charset": {"charset": "ab", "min-chars": 1}}]}"#;
        check(json, Ok((20, 1)));
        assert_eq!(parse(json), parse("length = 20 rule \"charset\" {charset=\"ba\" min-chars=1}"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_the_words_clients_know() {
        refuse("rule \"charset\" { charset = \"ab\" }", "length must be > 0");
        refuse("length = 0 rule \"charset\" { charset = \"ab\" }", "length must be > 0");
        refuse("length = 20", "no charset specified");
        refuse("length = 20 rule \"charset\" { charset = \"\" }", "no charset specified");
        refuse("length = 20 rule \"charset\" { charset = \"a\\tb\" }", {
            "non-printable character in charset"
        });
        refuse("length = 20 rule \"x\" {}", "unrecognized rule type x");
        refuse(
            "length = 10 rule \"charset\" { charset = \"ab\" min-chars = 12 }",
            "specified rules require at least 12 characters but 10 is specified",
        );
        refuse("rule \"charset\" {}", "length must be > 0; no charset specified");
        refuse("length = 20 rule \"charset\" { charset = \"ab\" min-char = 1 }", "min-char");
        refuse("length = 20 colour = 1 rule \"charset\" { charset = \"ab\" }", "colour");
        refuse("length = {", "");
    }

    #[test]
    fn lengths_and_impossible_rules_have_texts_of_their_own() {
        let bounds = Err("passwords must be between 4 and 100 characters");
        check("length = 3 rule \"charset\" { charset = \"ab\" }", bounds);
        check("length = 101 rule \"charset\" { charset = \"ab\" }", bounds);
        check("length = 4 rule \"charset\" { charset = \"ab\" }", Ok((4, 1)));
        check("length = 100 rule \"charset\" { charset = \"ab\" min-chars = 100 }", Ok((100, 1)));
        let impossible = Err("unable to construct test password from provided policy: \
                              are the rules impossible?");
        let two = "rule \"charset\" { charset = \"ab\" } rule \"charset\" { min-chars = 1 }";
        check(&format!("length = 20 {two}"), impossible);
    }
}
