//! A place for secrets that every token has for itself, and that ends with it.

use api::{Class, Context, Corner, Data, Engine, Error, Path, Result};
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
        .write(verbatim::write)
        .delete(verbatim::delete)
        .list(verbatim::list)
}

async fn read(context: &Context, place: Place) -> Result<Data<Map<String, Value>>> {
    let secret = SECRETS.get(&context.store, &place.path).await?;
    secret.map(Data).ok_or(Error::Missing)
}
