//! What the kernel does for the engine at one mount, inside the request's own transaction.

use std::sync::Arc;

use api::{BoxFuture, Error, Page, Result, Secret, Services, Session};

use crate::mounts::Mount;
use crate::visit::Visit;

/// The services to the engine at `mount`.
pub(crate) fn of(_visit: &Visit, _mount: &Mount) -> Arc<dyn Services> {
    Arc::new(Desk {})
}

struct Desk {}

impl Services for Desk {
    fn sessions<'a>(&'a self, _: &'a str, _: &'a Page) -> BoxFuture<'a, Result<Vec<Session>>> {
        Box::pin(async { Err(Error::UnsupportedOperation) })
    }

    fn end_session<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Err(Error::UnsupportedOperation) })
    }

    fn end_sessions<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(Error::UnsupportedOperation) })
    }

    fn password_flaw<'a>(
        &'a self,
        _: &'a str,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async { Err(Error::UnsupportedOperation) })
    }
}
