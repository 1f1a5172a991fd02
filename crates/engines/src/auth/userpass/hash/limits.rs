//! What a hash that was made elsewhere may ask of this server.
//!
//! Without limits a single imported hash would be a way to stop it: every login would do the work.

/// The most (and for bcrypt also the least) that is accepted. The defaults allow every algorithm
/// about a second on a core of today.
pub(in super::super) struct Limits {
    /// Memory of Argon2 and of scrypt.
    pub(super) memory_kib_max: u32,
    /// Memory times passes of Argon2, and memory times parallelization of scrypt.
    pub(super) work_kib_max: u64,
    pub(super) argon2_passes_max: u32,
    pub(super) argon2_lanes_max: u32,
    pub(super) bcrypt_cost_min: u32,
    pub(super) bcrypt_cost_max: u32,
    pub(super) pbkdf2_iterations_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_kib_max: 256 * 1024,
            work_kib_max: 1024 * 1024,
            argon2_passes_max: 16,
            argon2_lanes_max: 16,
            bcrypt_cost_min: 5,
            bcrypt_cost_max: 14,
            pbkdf2_iterations_max: 2_000_000,
        }
    }
}
