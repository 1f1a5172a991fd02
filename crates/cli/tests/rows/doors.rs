//! Every door the running server declares, as its own description lists them.

use serde_json::Value;

use super::wire::Message;

/// One path, and what can be done there.
#[derive(Debug)]
pub(super) struct Door {
    /// With `{name}` for its places.
    pub(super) at: String,
    /// Nobody has to show a token.
    pub(super) public: bool,
    pub(super) verbs: Vec<&'static str>,
    /// The fields of what is written there.
    pub(super) fields: Vec<String>,
}

/// Everything somebody could ask a door for, whether or not it does that.
pub(super) const VERBS: &[&str] = &["GET", "LIST", "SCAN", "POST", "PUT", "PATCH", "DELETE"];

impl Door {
    /// Reads one entry of the server's description.
    pub(super) fn of(at: &str, item: &Value) -> Door {
        let can = |verb: &str| item[verb].is_object();
        let asks = |verb: &str, flag: &str| {
            let parameters = item[verb]["parameters"].as_array();
            parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == flag))
        };
        let known = [
            (can("get"), "GET"),
            (asks("get", "list"), "LIST"),
            (asks("get", "scan"), "SCAN"),
            (can("post"), "POST"),
            (can("patch"), "PATCH"),
            (can("delete"), "DELETE"),
        ];
        let mut fields = vec![];
        for verb in ["post", "patch"] {
            for notation in ["application/json", "application/merge-patch+json"] {
                let body = &item[verb]["requestBody"]["content"][notation];
                let properties = body["schema"]["properties"].as_object();
                fields.extend(properties.into_iter().flat_map(|all| all.keys().cloned()));
            }
        }
        fields.sort();
        fields.dedup();
        Door {
            at: at.trim_start_matches('/').to_owned(),
            public: item["x-vault-unauthenticated"] == true,
            verbs: known.into_iter().filter_map(|(can, verb)| can.then_some(verb)).collect(),
            fields,
        }
    }

    /// Where it is, with `word` at every place.
    pub(super) fn with(&self, word: &str) -> String {
        let mut place = String::new();
        let mut rest = self.at.as_str();
        // Ends: every round takes one place away.
        while let Some((before, after)) = rest.split_once('{') {
            place.push_str(before);
            place.push_str(word);
            rest = after.split_once('}').unwrap().1;
        }
        place + rest
    }

    pub(super) fn has_places(&self) -> bool {
        self.at.contains('{')
    }

    /// What it takes a body for.
    pub(super) fn writes(&self) -> impl Iterator<Item = &'static str> {
        self.verbs.iter().copied().filter(|verb| ["POST", "PATCH"].contains(verb))
    }

    /// Everything it does, each once, at the same place.
    pub(super) fn messages(&self, place: &str) -> Vec<Message> {
        let message = |verb: &&str| {
            let message = Message::new(verb, place).in_its_notation();
            if is_write(verb) { message.body("{}") } else { message }
        };
        self.verbs.iter().map(message).collect()
    }
}

pub(super) fn is_write(verb: &str) -> bool {
    ["POST", "PUT", "PATCH"].contains(&verb)
}
