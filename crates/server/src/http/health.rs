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
        Ok(Reply::Bare(document)) => {
            let status = codes.of(&document);
            match forbids_body(status) {
                true => respond::without_body(status),
                false => respond::document(status, &document),
            }
        }
        _ => respond::answer(answer),
    }
}

/// Whether an answer of this status has no content (RFC 9110, section 6.4.1). Load balancers do
/// ask for such codes, and over HTTP/2 a body would break the connection.
fn forbids_body(status: StatusCode) -> bool {
    [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use api::Error;
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
    fn codes_that_forbid_a_body_get_none() {
        for (code, expected) in [(204, 0), (304, 0), (299, 1)] {
            let codes = codes(&format!("activecode={code}")).unwrap();
            let manner = kernel::Manner {
                public: true,
                top_level: false,
                operation: api::Operation::Read,
                mount_type: None,
            };
            let healthy = json!({"initialized": true, "sealed": false, "standby": false});
            let outcome = Ok(Reply::Bare(healthy));
            let given = Answer { id: String::new(), outcome, warnings: vec![], manner };
            let outgoing = answer(given, &codes);
            assert_eq!(outgoing.status(), code);
            let length = hyper::body::Body::size_hint(outgoing.body()).exact().unwrap_or_default();
            assert_eq!(length.min(1), expected, "{code}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for query in ["activecode=ok", "sealedcode=", "uninitcode=99"] {
            assert_eq!(codes(query), Err(Refusal::Bare(StatusCode::BAD_REQUEST)), "{query}");
        }
        let unclear = Error::invalid("standbyok is neither true nor false; write standbyok=true");
        assert_eq!(codes("standbyok=maybe"), Err(Refusal::Error(unclear)));
    }
}
