//! How a path of the API becomes the path of a URL.
//!
//! Duplicate slashes and slashes at both ends vanish. The segments `.` and `..` are left as they
//! are: the server refuses them, which is better than quietly writing somewhere else.

/// Joins the non-empty segments of a path with single slashes.
pub fn clean(path: &str) -> String {
    let segments: Vec<&str> = path.trim().split('/').filter(|part| !part.is_empty()).collect();
    segments.join("/")
}

/// Percent-encodes what may not stand in the path of a URL.
pub(crate) fn encode_path(path: &str) -> String {
    encode(path, b"-._~!$&'()*+,;=:@/")
}

/// Percent-encodes what may not stand in a name or value of a query.
pub(crate) fn encode_query(text: &str) -> String {
    encode(text, b"-._~")
}

fn encode(text: &str, allowed: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || allowed.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        assert_eq!(encode_path(&clean(input)), expected, "{input}");
    }

    #[test]
    fn paths_are_cleaned_but_never_resolved() {
        check("secret/", "secret");
        check("/secret//a/", "secret/a");
        check(" secret/a ", "secret/a");
        check("secret/../sys", "secret/../sys");
        check("secret/a b?c#d%e", "secret/a%20b%3Fc%23d%25e");
        check("secret/ü", "secret/%C3%BC");
        check("sys/plugins/a:b@c+d", "sys/plugins/a:b@c+d");
        check("", "");
    }

    #[test]
    fn a_query_value_keeps_no_special_character() {
        assert_eq!(encode_query("a b&c=d+e/f"), "a%20b%26c%3Dd%2Be%2Ff");
    }
}
