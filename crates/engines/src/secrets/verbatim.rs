//! Keeping whatever is sent, as it was sent: what `kv` version 1 and the cubbyhole share.

use api::{Context, Error, Everything, Folder, Keys, NoContent, Page, Result};
use serde_json::{Map, Value};
use storage::Table;

use super::Place;
use super::listing::{Depth, Wanted, bounded};

pub(super) const SECRETS: Table<Map<String, Value>> = Table::new("secret/");

pub(super) async fn exists(context: &Context, place: Place) -> Result<bool> {
    Ok(SECRETS.get(&context.store, &place.path).await?.is_some())
}

pub(super) async fn write(
    context: &Context,
    (place, Everything(secret)): (Place, Everything),
) -> Result<NoContent> {
    if place.path.is_empty() {
        return Err(Error::invalid("missing path"));
    }
    if secret.is_empty() {
        return Err(Error::invalid("missing data fields"));
    }
    SECRETS.put(&context.store, &place.path, &secret);
    Ok(NoContent)
}

pub(super) async fn delete(context: &Context, place: Place) -> Result<NoContent> {
    SECRETS.delete(&context.store, &place.path);
    Ok(NoContent)
}

pub(super) async fn list(context: &Context, (folder, page): (Folder, Page)) -> Result<Keys> {
    let wanted = Wanted::new(folder.prefix(), Depth::Folder, page);
    bounded(wanted.from(&SECRETS, &context.store).await?)
}

pub(super) async fn scan(context: &Context, (folder, page): (Folder, Page)) -> Result<Keys> {
    let wanted = Wanted::new(folder.prefix(), Depth::Everything, page);
    bounded(wanted.from(&SECRETS, &context.store).await?)
}
