//! Every key there is, and what becomes of it.

use std::path::Path;

use api::hcl::Body;

use super::{Result, at, place};

/// The keys of one kind of block.
pub(super) struct Keys {
    /// What we do as told.
    acted_on: &'static [&'static str],
    /// What other servers know and we can leave undone without harm.
    ignored: &'static [&'static str],
    /// What other servers know and would be dangerous to leave undone.
    refused: &'static [&'static str],
}

/// At the top of a file.
pub(super) const TOP: &Keys = &Keys {
    acted_on: &[
        "api_addr",
        "backend",
        "cluster_name",
        "default_lease_ttl",
        "default_max_request_duration",
        "disable_mlock",
        "listener",
        "log_format",
        "log_level",
        "max_lease_ttl",
        "password_lists_directory",
        "pid_file",
        "seal",
        "storage",
        "user_lockout",
    ],
    ignored: &[
        "cache_size",
        "cluster_addr",
        "cluster_cipher_suites",
        "detect_deadlocks",
        "disable_cache",
        "disable_clustering",
        "disable_indexing",
        "disable_performance_standby",
        "disable_printable_check",
        "disable_sealwrap",
        "disable_sentinel_trace",
        "disable_standby_reads",
        "enable_post_unseal_trace",
        "enable_response_header_hostname",
        "enable_response_header_raft_node_id",
        "enable_ui",
        "experiments",
        "ha_backend",
        "ha_storage",
        "imprecise_lease_role_tracking",
        "introspection_endpoint",
        "license_path",
        "log_file",
        "log_requests_level",
        "log_rotate_bytes",
        "log_rotate_duration",
        "log_rotate_max_files",
        "plugin_directory",
        "plugin_file_permissions",
        "plugin_file_uid",
        "raw_storage_endpoint",
        "reporting",
        "request_limiter",
        "service_registration",
        "telemetry",
        "ui",
    ],
    refused: &[
        "administrative_namespace_path",
        "audit",
        "entropy",
        "hsm",
        "initialize",
        "kms",
        "plugin",
        "replication",
        "sentinel",
    ],
};

/// Within a `listener "tcp"` block.
pub(super) const LISTENER: &Keys = &Keys {
    acted_on: &[
        "address",
        "http_idle_timeout",
        "http_read_header_timeout",
        "http_read_timeout",
        "max_request_duration",
        "max_request_size",
        "tls_cert_file",
        "tls_disable",
        "tls_key_file",
        "tls_max_version",
        "tls_min_version",
    ],
    ignored: &[
        "cluster_address",
        "cors_allow_credentials",
        "cors_allowed_headers",
        "cors_allowed_origins",
        "cors_enabled",
        "custom_response_headers",
        "disable_replication_status_endpoints",
        "disable_request_limiter",
        "disable_unauthed_generate_root_endpoints",
        "disable_unauthed_rekey_endpoints",
        "http_write_timeout",
        "inflight_requests_logging",
        "max_json_array_element_count",
        "max_json_depth",
        "max_json_object_entry_count",
        "max_json_string_value_length",
        "max_request_json_memory",
        "max_request_json_strings",
        "profiling",
        "purpose",
        "telemetry",
        "tls_cipher_suites",
        "tls_disable_client_certs",
        "tls_key_exchange_preferences",
        "tls_prefer_server_cipher_suites",
        "x_forwarded_for_authorized_addrs",
        "x_forwarded_for_client_cert_header",
        "x_forwarded_for_client_cert_header_decoders",
        "x_forwarded_for_hop_skips",
        "x_forwarded_for_reject_not_authorized",
        "x_forwarded_for_reject_not_present",
    ],
    refused: &[
        "chroot_namespace",
        "proxy_protocol_authorized_addrs",
        "proxy_protocol_behavior",
        "redact_addresses",
        "redact_cluster_name",
        "redact_version",
        "require_request_header",
        "role",
        "socket_group",
        "socket_mode",
        "socket_user",
        "tls_client_ca_file",
        "tls_require_and_verify_client_cert",
    ],
};

/// Within a `user_lockout` block.
pub(super) const USER_LOCKOUT: &Keys = &Keys {
    acted_on: &[
        "disable_lockout",
        "lockout_counter_reset",
        "lockout_duration",
        "lockout_threshold",
    ],
    ignored: &[],
    refused: &[],
};

/// What the operator should know of the keys in `body`.
pub(super) fn check(keys: &Keys, body: &Body, path: &Path) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for item in &body.items {
        let (key, place) = (item.key.text.as_str(), place(path, item.key.position));
        if keys.ignored.contains(&key) {
            warnings.push(format!("{key} has no effect in this release (at {place})"));
        } else if keys.refused.contains(&key) {
            return Err(super::wrong(format!(
                "{key} is not supported in this release, and leaving it undone would not be safe; \
                 remove it at {place}"
            )));
        } else if !keys.acted_on.contains(&key) {
            return Err(super::wrong(format!(
                "unknown or unsupported field {key} found in configuration at {place}"
            )));
        }
    }
    Ok(warnings)
}

/// Key shares are the one kind of seal there is.
pub(super) fn check_seal(body: &Body, path: &Path) -> Result<()> {
    let blocks = body.blocks("seal", 1).map_err(|error| at(path, &error))?;
    let other = blocks.iter().find(|block| block.labels.iter().any(|kind| kind.text != "shamir"));
    let Some(block) = other else { return Ok(()) };
    let problem = "only the \"shamir\" seal is supported; remove the block to use key shares";
    Err(at(path, &block.position.error(format!("Error parsing Seal configuration: {problem}"))))
}
