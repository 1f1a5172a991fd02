//! What can be changed while the server runs: certificates, the log level, and where the audit
//! files are.

use std::path::PathBuf;
use std::sync::Arc;

use kernel::Kernel;

use crate::configuration;
use crate::http::Tls;
use crate::telemetry::Telemetry;

/// Everything that looks again when somebody says so.
pub(crate) struct Reloadable {
    pub(crate) certificates: Vec<Arc<Tls>>,
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) telemetry: Telemetry,
    /// The configuration files to look at again for the log level.
    pub(crate) files: Vec<PathBuf>,
}

impl Reloadable {
    /// Looks again. What cannot be read stays as it was.
    pub(crate) fn reload(&self) {
        let mut problems = Vec::new();
        for certificate in &self.certificates {
            problems.extend(certificate.reload().err().map(|error| error.to_string()));
        }
        problems.extend(self.reload_level().err());
        self.kernel.reopen_audit_files();
        if !problems.is_empty() {
            let problems = problems.join("; ");
            tracing::error!("Error(s) were encountered during reload: {problems}");
        }
    }

    fn reload_level(&self) -> Result<(), String> {
        if self.files.is_empty() {
            return Ok(());
        }
        let draft = configuration::load(&self.files).map_err(|error| error.to_string())?;
        let Some(level) = draft.log_level else { return Ok(()) };
        self.telemetry.change_level(&level).map_err(|error| error.to_string())
    }
}
