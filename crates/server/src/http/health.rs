//! The health of this server in status codes, for load balancers that look at nothing else.

use api::Reply;
use http::StatusCode;
use http::request::Parts;
use kernel::Answer;
use serde_json::Value;

use super::request::{Query, Refusal};
use super::respond::{self, Outgoing};

/// The codes a client wants for each state.
#[derive(Debug, PartialEq)]
pub(super) struct Codes {
    standby_is_fine: bool,
    active: StatusCode,
    standby: StatusCode,
    sealed: StatusCode,
    uninitialized: StatusCode,
}

impl Codes {
    pub(super) fn parse(parts: &Parts) -> Result<Self, Refusal> {
        let mut query = Query::parse(parts.uri.query().unwrap_or_default())?;
        Ok(Self {
            standby_is_fine: query.take_flag("standbyok")?,
            active: code(&mut query, "activecode", StatusCode::OK)?,
            standby: code(&mut query, "standbycode", StatusCode::TOO_MANY_REQUESTS)?,
            sealed: code(&mut query, "sealedcode", StatusCode::SERVICE_UNAVAILABLE)?,
            uninitialized: code(&mut query, "uninitcode", StatusCode::NOT_IMPLEMENTED)?,
        })
    }

    /// The code for the state that `document` describes.
    fn of(&self, document: &Value) -> StatusCode {
        let is = |name: &str| document.get(name).and_then(Value::as_bool).unwrap_or_default();
        match () {
            () if !is("initialized") => self.uninitialized,
            () if is("sealed") => self.sealed,
            () if is("standby") && !self.standby_is_fine => self.standby,
            () => self.active,
        }
    }
}

fn code(query: &mut Query, name: &str, default: StatusCode) -> Result<StatusCode, Refusal> {
    let Some(text) = query.take(name) else { return Ok(default) };
    let code = text.parse::<u16>().ok().filter(|code| (200..1000).contains(code));
    // Below 200 an answer is not final, and the client would go on waiting.
    code.and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(Refusal::Bare(StatusCode::BAD_REQUEST))
}

/// The kernel's answer about itself, with the code the client wants for it.
pub(super) fn answer(answer: Answer, codes: &Codes) -> Outgoing {
    match answer.outcome {
        Ok(Reply::Bare(document)) => respond::document(codes.of(&document), &document),
        _ => respond::answer(answer),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn codes(query: &str) -> Result<Codes, Refusal> {
        let request = http::Request::builder().uri(format!("/v1/sys/health?{query}"));
        Codes::parse(&request.body(()).unwrap().into_parts().0)
    }

    #[track_caller]
    fn check(query: &str, state: [bool; 3], expected: u16) {
        let [initialized, sealed, standby] = state;
        let document = json!({"initialized": initialized, "sealed": sealed, "standby": standby});
        assert_eq!(codes(query).unwrap().of(&document), expected, "{query} {document}");
    }

    #[test]
    fn the_worst_state_decides() {
        check("", [true, false, false], 200);
        check("", [true, false, true], 429);
        check("", [true, true, true], 503);
        check("", [false, true, true], 501);
        check("standbyok=true", [true, false, true], 200);
        check("standbyok", [true, false, true], 429);
        check("standbyok=true", [true, true, true], 503);
        check("activecode=299", [true, false, false], 299);
        check("standbycode=298", [true, false, true], 298);
        check("sealedcode=297&uninitcode=296", [true, true, true], 297);
        check("sealedcode=297&uninitcode=296", [false, true, true], 296);
    }

    #[test]
    fn nonsense_is_refused() {
        for query in ["activecode=ok", "standbyok=maybe", "sealedcode=", "uninitcode=99"] {
            assert_eq!(codes(query), Err(Refusal::Bare(StatusCode::BAD_REQUEST)), "{query}");
        }
    }
}
