//! One declaration per path, from which routing, parsing, help and OpenAPI all follow.
//!
//! ```text
//! Path::new("users/{username}")
//!     .help("Manage users.", "Removing a user leaves the tokens ...")
//!     .folds_names()
//!     .exists(user_exists)    // (&Context, Username)               -> bool
//!     .read(read_user)        // (&Context, Username)               -> Data<UserView>
//!     .write(write_user)      // (&Context, (Username, WriteUser))  -> NoContent
//! ```
//!
//! `C` is what the handlers may touch: [`Context`] for engines; the kernel's own rooms have one
//! that reaches further.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;

use crate::describe::Fields;
use crate::parameters::CONVERSION;
use crate::{
    CanonicalPath, Captures, Context, Error, Given, Operation, Pattern, Reply, Respond, Result,
    fold_name,
};

/// Begins complaints about fields of the wrong type, as clients know them. Only where a write asks
/// first what exists do they come without it.
const VALIDATION: &str = "Field validation failed: ";

/// A path below a mount: its shape, who may come, what it says of itself, and what it does.
pub struct Path<C = Context> {
    /// The shape of the path below its mount.
    pub pattern: Pattern,
    /// One sentence, for lists of paths.
    pub summary: &'static str,
    /// What else one should know.
    pub description: &'static str,
    /// Who may come, and how the answer looks.
    pub reached: Reached,
    /// A write to nothing needs `create`, where this says that there is nothing.
    existence: Option<Box<dyn ErasedHandler<C, bool>>>,
    handlers: Vec<(Operation, Endpoint<C>)>,
}

/// What the walk must know of a path before it lets anyone in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reached {
    /// Anyone may call this, token or not.
    pub public: bool,
    /// Works while sealed, without token, audit or store; answers without an envelope.
    pub while_sealed: bool,
    /// Needs the `sudo` capability besides the operation's own.
    pub sudo: bool,
    /// Any token that this very mount gave out opens it, unless a policy says `deny`.
    pub own_users: bool,
    /// Names in the path are lower-cased before policy decides.
    pub folds_names: bool,
    /// The path ends in another path, and names in that are folded as its own door declares.
    pub folds_inner: bool,
    /// The attempt is never run again after its handler began.
    pub once: bool,
    /// A door of the kernel that may be one of several in a batch; those of engines all may.
    pub in_batch: bool,
    /// The fields of `data` stand at the top level of the answer as well, for old clients.
    pub top_level: bool,
}

/// One operation on a path.
pub struct Endpoint<C> {
    call: Box<dyn ErasedHandler<C, Reply>>,
    /// The shape of its parameters.
    pub parameters: Schema,
    /// The shape of `data` in its answer, if it has any.
    pub reply: Option<Schema>,
    pub(crate) fields: Fields,
}

impl<C: Send + Sync + 'static> Path<C> {
    /// A path of the shape `pattern` (see [`Pattern`]); nothing can be done there yet.
    ///
    /// # Panics
    /// On a malformed pattern.
    pub fn new(pattern: &'static str) -> Self {
        Self {
            pattern: Pattern::new(pattern),
            summary: "",
            description: "",
            reached: Reached::default(),
            existence: None,
            handlers: vec![],
        }
    }

    /// What `path-help` says.
    #[must_use]
    pub fn help(mut self, summary: &'static str, description: &'static str) -> Self {
        self.summary = summary;
        self.description = description;
        self
    }

    /// Anyone may call this, token or not.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.reached.public = true;
        self
    }

    /// Works while sealed, without token, audit or store; answers without an envelope.
    #[must_use]
    pub fn while_sealed(mut self) -> Self {
        self.reached.public = true;
        self.reached.while_sealed = true;
        self
    }

    /// Needs the `sudo` capability besides the operation's own.
    #[must_use]
    pub fn sudo(mut self) -> Self {
        self.reached.sudo = true;
        self
    }

    /// Any token that this very mount gave out opens it, unless a policy says `deny`: for what
    /// people do about themselves. The handler sees who it is from [`Caller`](crate::Caller).
    #[must_use]
    pub fn for_own_users(mut self) -> Self {
        self.reached.own_users = true;
        self
    }

    /// Names in the path are lower-cased before policy decides.
    #[must_use]
    pub fn folds_names(mut self) -> Self {
        self.reached.folds_names = true;
        self
    }

    /// The last place of the pattern is another path. Names in that are folded before policy
    /// decides, as its own door declares.
    #[must_use]
    pub fn folds_inner(mut self) -> Self {
        self.reached.folds_inner = true;
        self
    }

    /// Never run again after the handler began: it acts outside the store.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.reached.once = true;
        self
    }

    /// May be one of several in a batch: all it does is to read and write records by the
    /// transaction, so that operations behind it see what it has done, and nobody if it is undone.
    /// Engines can do nothing else, so theirs all may.
    #[must_use]
    pub fn in_batch(mut self) -> Self {
        self.reached.in_batch = true;
        self
    }

    /// The fields of `data` stand at the top level of the answer as well, for old clients.
    #[must_use]
    pub fn top_level(mut self) -> Self {
        self.reached.top_level = true;
        self
    }

    /// A write to nothing needs `create`: `exists` is asked with what stands in the path.
    #[must_use]
    pub fn exists<P: Parameters, H: for<'a> Handler<'a, C, P, bool>>(mut self, exists: H) -> Self {
        self.existence = Some(Box::new(Asked { handler: exists, types: PhantomData }));
        self
    }

    /// Answers GET.
    #[must_use]
    pub fn read<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Operation::Read, handler)
    }

    /// Answers LIST.
    #[must_use]
    pub fn list<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Operation::List, handler)
    }

    /// Answers SCAN.
    #[must_use]
    pub fn scan<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Operation::Scan, handler)
    }

    /// Answers POST and PUT.
    #[must_use]
    pub fn write<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Operation::Update, handler)
    }

    /// Answers PATCH.
    #[must_use]
    pub fn patch<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Operation::Patch, handler)
    }

    /// Answers DELETE.
    #[must_use]
    pub fn delete<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Operation::Delete, handler)
    }

    /// What can be done here. Writing is [`Operation::Update`], also where it may create.
    pub fn operations(&self) -> impl Iterator<Item = (Operation, &Endpoint<C>)> {
        self.handlers.iter().map(|(operation, endpoint)| (*operation, endpoint))
    }

    /// Whether a write here may need `create` rather than `update`.
    pub fn distinguishes_create(&self) -> bool {
        self.existence.is_some()
    }

    /// What stands at each place of the pattern, folded as declared, and the path it then has.
    pub fn matches(&self, mount: &str, path: &CanonicalPath) -> Option<(Captures, CanonicalPath)> {
        let inner = path.as_str().strip_prefix(mount).unwrap_or_default();
        let mut captures = self.pattern.captures(inner)?;
        if !self.reached.folds_names {
            return Some((captures, path.clone()));
        }
        for (_, value) in &mut captures {
            *value = fold_name(value);
        }
        let folded = path.with_segments(mount, &self.pattern.fill(&captures));
        Some((captures, folded))
    }

    /// Whether what this path names exists.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn ask_existence(&self, context: &C, given: &Given) -> Result<bool> {
        match &self.existence {
            Some(existence) => existence.call(context, (given, "")).await,
            None => Ok(true),
        }
    }

    /// Performs `operation` with the parameters in `given`.
    ///
    /// # Errors
    /// Whatever the handler answers; [`Error::UnsupportedOperation`] when there is none.
    pub async fn call(&self, operation: Operation, context: &C, given: &Given) -> Result<Reply> {
        let endpoint = self.endpoint(operation).ok_or(Error::UnsupportedOperation)?;
        let is_write =
            matches!(operation, Operation::Create | Operation::Update | Operation::Patch);
        let complaint = match is_write && self.distinguishes_create() {
            true => "",
            false => VALIDATION,
        };
        endpoint.call.call(context, (given, complaint)).await
    }

    /// What performs `operation`, if anything does.
    pub fn endpoint(&self, operation: Operation) -> Option<&Endpoint<C>> {
        let declared = match operation {
            Operation::Create => Operation::Update,
            other => other,
        };
        let found = self.handlers.iter().find(|(candidate, _)| *candidate == declared);
        found.map(|(_, endpoint)| endpoint)
    }

    fn on<P: Parameters, R: Respond, H: for<'a> Handler<'a, C, P, R>>(
        mut self,
        operation: Operation,
        handler: H,
    ) -> Self {
        let call = Box::new(Typed { handler, types: PhantomData });
        let parameters = schema_for!(P);
        let fields = Fields::of(&parameters);
        let endpoint = Endpoint { call, parameters, reply: R::schema(), fields };
        self.handlers.push((operation, endpoint));
        self
    }
}

/// Typed parameters: any plain struct, or a tuple of them.
pub trait Parameters: DeserializeOwned + JsonSchema + Send + 'static {}
impl<T: DeserializeOwned + JsonSchema + Send + 'static> Parameters for T {}

/// `async fn(&C, P) -> Result<R>`.
#[diagnostic::on_unimplemented(
    message = "this is not a handler",
    label = "expected `async fn(&Context, Parameters) -> Result<Reply>`",
    note = "`Parameters` is a struct, or a tuple of them, deriving Deserialize and JsonSchema",
    note = "`Reply` is one of Data<T>, Keys, Login, NoContent"
)]
pub trait Handler<'a, C, P, R>: Send + Sync + 'static {
    /// Performs the operation.
    fn call(&self, context: &'a C, parameters: P) -> impl Future<Output = Result<R>> + Send + 'a;
}

impl<'a, C: 'a, P, R, F, Fut> Handler<'a, C, P, R> for F
where
    F: Fn(&'a C, P) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R>> + Send + 'a,
{
    fn call(&self, context: &'a C, parameters: P) -> impl Future<Output = Result<R>> + Send + 'a {
        self(context, parameters)
    }
}

/// A future that somebody else polls.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A handler whose parameter and reply types nobody needs to know any more.
trait ErasedHandler<C, A>: Send + Sync {
    /// Answers, or complains of the parameters with a text that begins with these words.
    fn call<'a>(
        &'a self,
        context: &'a C,
        given: (&'a Given, &'static str),
    ) -> BoxFuture<'a, Result<A>>;
}

/// Parameters of a type, with words before the complaint about a field of another one.
fn parsed<P: Parameters>((given, complaint): (&Given, &str)) -> Result<P> {
    given.parse().map_err(|error| match error {
        Error::Invalid(text) if text.starts_with(CONVERSION) => {
            Error::Invalid(format!("{complaint}{text}"))
        }
        other => other,
    })
}

struct Typed<H, P, R> {
    handler: H,
    types: PhantomData<fn() -> (P, R)>,
}

impl<C, P, R, H> ErasedHandler<C, Reply> for Typed<H, P, R>
where
    C: Send + Sync + 'static,
    P: Parameters,
    R: Respond,
    H: for<'a> Handler<'a, C, P, R>,
{
    fn call<'a>(
        &'a self,
        context: &'a C,
        given: (&'a Given, &'static str),
    ) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move { Ok(self.handler.call(context, parsed(given)?).await?.into_reply()) })
    }
}

struct Asked<H, P> {
    handler: H,
    types: PhantomData<fn() -> P>,
}

impl<C, P, H> ErasedHandler<C, bool> for Asked<H, P>
where
    C: Send + Sync + 'static,
    P: Parameters,
    H: for<'a> Handler<'a, C, P, bool>,
{
    fn call<'a>(
        &'a self,
        context: &'a C,
        given: (&'a Given, &'static str),
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.handler.call(context, parsed(given)?).await })
    }
}
