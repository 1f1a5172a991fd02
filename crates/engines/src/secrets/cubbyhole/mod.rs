//! A place for secrets that every token has for itself, and that ends with it.

use api::{
    CanonicalPath, Class, Context, Corner, Data, Engine, Error, Everything, NoContent, Path, Result,
};
use serde_json::{Map, Value};

use super::Place;
use super::verbatim::{self, SECRETS};

/// The `cubbyhole` secrets engine.
pub(crate) const ENGINE: Engine = Engine {
    name: "cubbyhole",
    version: None,
    class: Class::Secret,
    corner: Corner::Token,
    help: "Keeps secrets that only the token sees that wrote them.\n\n\
           When the token ends, so does all it has put here.",
    paths: || vec![path()],
    renew: None,
};

fn path() -> Path {
    Path::new("{path...?}")
        .help(
            "Keep, read, list and remove secrets of your own token.",
            "All that is sent is kept as it is. A write replaces what was there before.",
        )
        .exists(verbatim::exists)
        .read(read)
        .write(write)
        .delete(verbatim::delete)
        .list(verbatim::list)
}

async fn read(context: &Context, place: Place) -> Result<Data<Map<String, Value>>> {
    let secret = SECRETS.get(&context.store, &place.path).await?;
    secret.map(Data).ok_or(Error::Missing)
}

/// What could not be asked for again is refused: in a batch names are not encoded, and so may be
/// longer than an address can spell them.
async fn write(context: &Context, (place, secret): (Place, Everything)) -> Result<NoContent> {
    if !CanonicalPath::is_within_reach(&format!("{}{}", context.mount.path, place.path)) {
        return Err(Error::Invalid(format!(
            "the path is too long for a secret; it must fit into {} encoded characters and {} \
             segments",
            CanonicalPath::LENGTH_MAX,
            CanonicalPath::SEGMENTS_MAX,
        )));
    }
    verbatim::write(context, (place, secret)).await
}
