//! Asking a person for something that must not be seen.

use std::io::Write;

use zeroize::Zeroizing;

use crate::command::Call;

/// Asks on stderr, as today's commands do, and reads without showing what is typed.
pub(crate) fn hidden(call: &Call, question: &str) -> Result<Zeroizing<String>, String> {
    ask(call, question, &mut std::io::stderr())
}

/// Asks on stdout, as the commands of 2016 did.
pub(crate) fn hidden_of_2016(call: &Call, question: &str) -> Result<Zeroizing<String>, String> {
    ask(call, question, &mut std::io::stdout())
}

fn ask(call: &Call, question: &str, asked_on: &mut dyn Write) -> Result<Zeroizing<String>, String> {
    if call.flags.switch("non-interactive") {
        return Err("refusing to ask, because of -non-interactive".to_owned());
    }
    if !call.environment.stdin_is_terminal {
        return Err("the standard input is not a terminal, so nobody can be asked".to_owned());
    }
    // Whoever closed the stream can still type the answer.
    let _ = write!(asked_on, "{question} (will be hidden): ");
    let _ = asked_on.flush();
    let answer = rpassword::read_password().map_err(|cause| cause.to_string())?;
    Ok(Zeroizing::new(answer.trim().to_owned()))
}
