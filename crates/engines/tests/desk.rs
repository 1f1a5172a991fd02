//! What the kernel does for an auth method, as far as its tests care: sessions are a list, and
//! there is one password policy. It notes who proved to be whom, and refuses those who are locked.

use std::sync::{Mutex, PoisonError};

use api::{BoxFuture, Error, Moment, Page, Result, Secret, Services, Session};

/// The one policy there is: it wants a digit.
pub(crate) const POLICY: &str = "digits";

#[derive(Default)]
pub(crate) struct Desk {
    /// Whose they are, and what they are.
    sessions: Mutex<Vec<(String, Session)>>,
    proved: Mutex<Vec<String>>,
    locked: Mutex<Option<String>>,
}

impl Desk {
    pub(crate) fn open_session(&self, alias: &str, accessor: &str) {
        let session = Session {
            accessor: accessor.into(),
            issued: Moment::from_unix(100),
            renewed: None,
            expires: Some(Moment::from_unix(200)),
            address: Some("10.0.0.1".parse().unwrap()),
        };
        self.all().push((alias.into(), session));
    }

    /// The accessors of all sessions there are.
    pub(crate) fn accessors(&self) -> Vec<String> {
        self.all().iter().map(|(_, session)| session.accessor.clone()).collect()
    }

    /// From now on this name is locked.
    pub(crate) fn lock(&self, alias: &str) {
        *self.locked.lock().unwrap() = Some(alias.into());
    }

    /// Who was proved to be there since this was last asked.
    pub(crate) fn take_proved(&self) -> Vec<String> {
        std::mem::take(&mut self.proved.lock().unwrap())
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<(String, Session)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services for Desk {
    fn sessions<'a>(
        &'a self,
        alias: &'a str,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Vec<Session>>> {
        let all = self.all();
        let own = all.iter().filter(|(owner, _)| owner == alias).map(|(_, session)| session);
        let own = own.filter(|session| session.accessor > page.after).take(page.limit());
        let own = own.cloned().collect();
        Box::pin(async { Ok(own) })
    }

    fn end_session<'a>(&'a self, alias: &'a str, accessor: &'a str) -> BoxFuture<'a, Result<bool>> {
        let mut all = self.all();
        let before = all.len();
        all.retain(|(owner, session)| owner != alias || session.accessor != accessor);
        let ended = all.len() < before;
        Box::pin(async move { Ok(ended) })
    }

    fn end_sessions<'a>(
        &'a self,
        alias: &'a str,
        except: Option<&'a str>,
    ) -> BoxFuture<'a, Result<()>> {
        self.all()
            .retain(|(owner, session)| owner != alias || except == Some(session.accessor.as_str()));
        Box::pin(async { Ok(()) })
    }

    fn proved<'a>(&'a self, alias: &'a str) -> BoxFuture<'a, Result<()>> {
        self.proved.lock().unwrap().push(alias.to_owned());
        let answer = match self.locked.lock().unwrap().as_deref() == Some(alias) {
            true => Err(Error::LockedOut),
            false => Ok(()),
        };
        Box::pin(async { answer })
    }

    fn password_flaw<'a>(
        &'a self,
        policy: &'a str,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<Option<String>>> {
        let has_digit = password.reveal().chars().any(|letter| letter.is_ascii_digit());
        let answer = match policy == POLICY {
            true => Ok((!has_digit).then(|| "the password needs a digit".to_owned())),
            false => Err(Error::invalid("there is no such password policy")),
        };
        Box::pin(async { answer })
    }
}
