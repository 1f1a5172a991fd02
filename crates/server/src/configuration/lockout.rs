//! The `user_lockout` blocks: when names are locked after failed logins.

use std::path::Path;

use api::Seconds;
use api::hcl::{self, Block};
use kernel::{LOCKABLE_METHODS, LockoutSettings, LockoutTerms};

use super::{Reader, Result, at, keys};

/// The label of what holds for every method.
const ALL: &str = "all";

/// What one file says about lockout.
pub(super) fn read(body: &hcl::Body, path: &Path) -> Result<LockoutSettings> {
    let unlabelled = |error: hcl::Error| {
        let problem = "auth type for user lockout must be specified, if it applies to all auth \
                       methods specify \"all\"";
        at(path, &error.position.error(problem))
    };
    let mut settings = LockoutSettings::default();
    let mut seen = Vec::new();
    for block in body.blocks("user_lockout", 1).map_err(unlabelled)? {
        let label = block.labels.first().map_or("", |label| label.text.as_str());
        let mistake = |problem: String| Err(at(path, &block.position.error(problem)));
        if label != ALL && !LOCKABLE_METHODS.contains(&label) {
            return mistake(format!("unsupported auth type {label:?}"));
        }
        if seen.contains(&label) {
            return mistake(format!("user_lockout {label:?} is specified a second time"));
        }
        seen.push(label);
        let terms = terms(&block, path)?;
        match label {
            ALL => settings.all = terms,
            method => {
                settings.methods.insert(method.to_owned(), terms);
            }
        }
    }
    Ok(settings)
}

/// Adds what a later file says; for each word its own counts, where it has one.
pub(super) fn merge(settings: &mut LockoutSettings, later: LockoutSettings) {
    settings.disabled = later.disabled.or(settings.disabled);
    settings.all = later.all.or(settings.all);
    for (method, terms) in later.methods {
        let before = settings.methods.entry(method).or_default();
        *before = terms.or(*before);
    }
}

fn terms(block: &Block<'_>, path: &Path) -> Result<LockoutTerms> {
    keys::check(keys::USER_LOCKOUT, block.body, path)?;
    let reader = Reader { body: block.body, path };
    Ok(LockoutTerms {
        threshold: reader.value("lockout_threshold", hcl::Value::whole_number)?,
        duration: reader.value("lockout_duration", some_time)?,
        counter_reset: reader.value("lockout_counter_reset", some_time)?,
        disabled: reader.truth("disable_lockout")?,
    })
}

/// No time at all would turn lockout off, where nobody would look for it.
fn some_time(value: &hcl::Value) -> std::result::Result<Seconds, hcl::Error> {
    let problem = "must be longer than nothing; to lock nobody say disable_lockout = true";
    Seconds(value.seconds()?).set().ok_or_else(|| value.position.error(problem))
}
