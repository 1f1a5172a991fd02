//! Every room's paths, and where they are mounted.

use api::Path;

use crate::mounts::Room;
use crate::visit::Visit;
use crate::{audit, batch, leases, lockout, metrics, mounts, policies, sealing, tokens};

/// The kernel's own rooms and their doors.
pub(crate) struct Rooms {
    system: Vec<Path<Visit>>,
    token: Vec<Path<Visit>>,
}

impl Rooms {
    pub(crate) fn new() -> Self {
        let system = [
            sealing::paths(),
            mounts::paths(),
            policies::paths(),
            policies::password_paths(),
            batch::paths(),
            audit::paths(),
            leases::paths(),
            lockout::paths(),
            metrics::paths(),
            crate::description::paths(),
            crate::wrapping::paths(),
        ];
        Self { system: system.into_iter().flatten().collect(), token: tokens::paths() }
    }

    /// The doors of one room.
    pub(crate) fn paths(&self, room: Room) -> &[Path<Visit>] {
        match room {
            Room::System => &self.system,
            Room::Token => &self.token,
            Room::Identity | Room::Engine => &[],
        }
    }

    /// Every door, and the mount it is below.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Path<Visit>)> {
        let system = self.system.iter().map(|path| ("sys/", path));
        system.chain(self.token.iter().map(|path| ("auth/token/", path)))
    }
}
