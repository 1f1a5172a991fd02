//! The policies that every server starts with.

/// What every token may do unless it says otherwise: look after itself.
///
/// Written into the store once, as a starting point that operators change as they like.
pub const DEFAULT: &str = r#"# A token may look at itself, prolong itself, and end itself.
path "auth/token/lookup-self" {
    capabilities = ["read"]
}
path "auth/token/renew-self" {
    capabilities = ["update"]
}
path "auth/token/revoke-self" {
    capabilities = ["update"]
}

# It may ask what it is allowed to do, here and for the sake of a user interface.
path "sys/capabilities-self" {
    capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
    capabilities = ["read"]
}

# Whoever it belongs to may see their own entity, by id or by name.
path "identity/entity/id/{{identity.entity.id}}" {
    capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
    capabilities = ["read"]
}

# Whoever knows the id of a lease may look it up and prolong it. The first path is the old one.
path "sys/renew" {
    capabilities = ["update"]
}
path "sys/leases/renew" {
    capabilities = ["update"]
}
path "sys/leases/lookup" {
    capabilities = ["update"]
}

# A place of its own, which ends with the token.
path "cubbyhole/*" {
    capabilities = ["create", "read", "update", "delete", "list"]
}

# Wrap something, look at a wrapping token, and unwrap what it holds.
path "sys/wrapping/wrap" {
    capabilities = ["update"]
}
path "sys/wrapping/lookup" {
    capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}

# Do several things at once: each of them takes the rights it would take alone.
path "sys/batch" {
    capabilities = ["update"]
}

# Small tools that keep nothing.
path "sys/tools/hash" {
    capabilities = ["update"]
}
path "sys/tools/hash/*" {
    capabilities = ["update"]
}

# Ask how far an approval by others has come; whoever knows the accessor may.
path "sys/control-group/request" {
    capabilities = ["update"]
}

# Log in to applications that trust this server to say who someone is.
path "identity/oidc/provider/+/authorize" {
    capabilities = ["read", "update"]
}
"#;

/// What a wrapping token may do: take out what it holds, and nothing else.
pub const RESPONSE_WRAPPING: &str = r#"path "cubbyhole/response" {
    capabilities = ["create", "read"]
}
path "sys/wrapping/unwrap" {
    capabilities = ["update"]
}
"#;
