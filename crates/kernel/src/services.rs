//! What the kernel does for the engine at one mount, inside the request's own transaction.

use std::sync::Arc;

use api::{BoxFuture, Moment, Page, Result, Secret, Services, Session};
use storage::View;

use crate::mounts::Mount;
use crate::tokens::{self, Holder, Owner};
use crate::visit::Visit;
use crate::{Kernel, identity, lockout, policies};

/// The services to the engine at `mount`.
pub(crate) fn of(visit: &Visit, mount: &Arc<Mount>) -> Arc<dyn Services> {
    Arc::new(Desk {
        kernel: visit.kernel.clone(),
        system: visit.system.clone(),
        now: visit.now,
        mount: mount.clone(),
    })
}

/// One mount's place to ask. It knows no other mount, so no engine can reach what another one gave
/// out.
struct Desk {
    kernel: Arc<Kernel>,
    system: View,
    now: Moment,
    mount: Arc<Mount>,
}

impl Desk {
    /// Tokens whose entity is disabled are among them: they have not ended, and work again when it
    /// is enabled again.
    async fn sessions(&self, alias: &str, page: &Page) -> Result<Vec<Session>> {
        let Some(owner) = self.owner(alias).await? else {
            return Ok(vec![]);
        };
        let found = tokens::of_owner(&self.visit(), &owner, page).await?;
        Ok(found.into_iter().map(to_session).collect())
    }

    async fn end_session(&self, alias: &str, accessor: &str) -> Result<bool> {
        let Some(found) = self.find(alias, accessor).await? else {
            return Ok(false);
        };
        tokens::end(&self.visit(), &found.key, &found.token);
        Ok(true)
    }

    /// A few small writes, however many tokens there are: the alias begins a new generation, and
    /// from this commit on those of earlier ones are refused. A login that was under way has read
    /// the alias, so it starts over and belongs to the new one.
    ///
    /// Batch tokens are kept nowhere, so none can be told about the new generation: all of them
    /// end, also when the caller holds one, whose accessor is empty and excepts nothing.
    async fn end_sessions(&self, alias: &str, except: Option<&str>) -> Result<()> {
        let kept = match except {
            Some(accessor) => self.find(alias, accessor).await?,
            None => None,
        };
        let visit = self.visit();
        if let Some(owner) = identity::start_generation(&visit, &self.mount.storage, alias).await? {
            tokens::end_all_before(&visit, &owner, kept);
        }
        Ok(())
    }

    /// The token with this accessor, if it was given to `alias`.
    async fn find(&self, alias: &str, accessor: &str) -> Result<Option<Holder>> {
        let Some(owner) = self.owner(alias).await? else {
            return Ok(None);
        };
        let found = tokens::by_accessor(&self.visit(), accessor).await?;
        Ok(found.filter(|found| found.token.owner.as_ref() == Some(&owner)))
    }

    async fn owner(&self, alias: &str) -> Result<Option<Owner>> {
        identity::owner(&self.visit(), &self.mount.storage, alias).await
    }

    fn visit(&self) -> Visit {
        Visit::of_service(&self.kernel, &self.system, self.now)
    }
}

fn to_session(holder: Holder) -> Session {
    Session {
        accessor: holder.token.accessor.clone(),
        issued: holder.token.issued,
        renewed: holder.token.renewed,
        expires: holder.token.expires,
        address: holder.token.address,
    }
}

impl Services for Desk {
    fn sessions<'a>(
        &'a self,
        alias: &'a str,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Vec<Session>>> {
        Box::pin(self.sessions(alias, page))
    }

    fn end_session<'a>(&'a self, alias: &'a str, accessor: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.end_session(alias, accessor))
    }

    fn end_sessions<'a>(
        &'a self,
        alias: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.end_sessions(alias, except))
    }

    fn proved<'a>(&'a self, alias: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { lockout::admit(&self.visit(), &self.mount, alias).await })
    }

    fn password_flaw<'a>(
        &'a self,
        policy: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move { policies::password_flaw(&self.visit(), policy, password).await })
    }
}
